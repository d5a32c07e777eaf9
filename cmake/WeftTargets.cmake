# SPDX-License-Identifier: Apache-2.0
# How every target of Weft is compiled, and how a folder declares its library.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(weft_options INTERFACE)
target_include_directories(weft_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(weft_options INTERFACE _GNU_SOURCE WEFT_VERSION="${PROJECT_VERSION}")
target_compile_options(weft_options INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wsuggest-override>)
# GCC 12 sees an overlap in std::string's operator+ that is not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(weft_options INTERFACE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-Wno-restrict>)
endif()
if(WEFT_SANITIZE)
  target_compile_options(weft_options INTERFACE -fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(weft_options INTERFACE -fsanitize=${WEFT_SANITIZE})
endif()
if(WEFT_FUZZ)
  target_compile_options(weft_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# weft_library(NAME sources... [DEPENDS libraries...]): the library of one folder.
function(weft_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC weft_options ${ARG_DEPENDS})
endfunction()

# weft_program(NAME sources... [DEPENDS libraries...])
function(weft_program name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE weft_options ${ARG_DEPENDS})
endfunction()

# weft_test(NAME sources... [DEPENDS libraries...]): one GoogleTest program, one ctest entry.
function(weft_test name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE weft_options ${ARG_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

# weft_code_object(NAME sources... [FOLDER folder]): C that weft-cc makes a code object of, in
# the folder that weftd loads from, or in another.  The target code_object_NAME builds it;
# "code_objects" builds all that weftd comes with.
include(GNUInstallDirs)
set(WEFT_CODE_FOLDER ${CMAKE_BINARY_DIR}/share/weft/code)
add_custom_target(code_objects)
function(weft_code_object name)
  cmake_parse_arguments(ARG "" "FOLDER" "" ${ARGN})
  list(TRANSFORM ARG_UNPARSED_ARGUMENTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
  set(folder ${WEFT_CODE_FOLDER})
  if(ARG_FOLDER)
    set(folder ${ARG_FOLDER})
  endif()
  set(object ${folder}/${name}.pco)
  set(interface ${CMAKE_SOURCE_DIR}/pan_ee/code)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND weft-cc --strip --code-object ${name} -I ${interface} -o ${object} ${sources}
    DEPENDS weft-cc ${sources} ${interface}/pni.h ${interface}/pni_abi.h)
  add_custom_target(code_object_${name} DEPENDS ${object})
  if(NOT ARG_FOLDER)
    add_dependencies(code_objects code_object_${name})
    install(FILES ${object} DESTINATION ${CMAKE_INSTALL_DATADIR}/weft/code COMPONENT pan)
  endif()
endfunction()
