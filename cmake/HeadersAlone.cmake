# SPDX-License-Identifier: Apache-2.0
# The target headers_alone: every header compiles by itself, with the warnings of the
# build.  Each is included by a source of its own, so that ninja and ccache do again only
# what changed.  Nothing is linked, and nothing is optimised: -O0.
set(roots ${WEFT_FOLDERS} tests)
list(TRANSFORM roots PREPEND ${CMAKE_SOURCE_DIR}/)
list(TRANSFORM roots APPEND /*.h)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${roots})

# What C++20 cannot read: it has no <stdatomic.h>.
set(for_c_alone tests/conformance/thread_check.h)

add_library(headers_alone OBJECT EXCLUDE_FROM_ALL)
foreach(header ${headers})
  set(source ${CMAKE_BINARY_DIR}/headers_alone/${header}.cc)
  if(header IN_LIST for_c_alone)
    set(source ${CMAKE_BINARY_DIR}/headers_alone/${header}.c)
  endif()
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
  target_sources(headers_alone PRIVATE ${source})
endforeach()
# The C ABI is C11 as well.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers_alone/nodeos_api/an.h.c CONTENT "#include \"nodeos_api/an.h\"\n")
target_sources(headers_alone PRIVATE ${CMAKE_BINARY_DIR}/headers_alone/nodeos_api/an.h.c)

# Where tests find things: nothing is run, so any place will do.
target_compile_definitions(headers_alone PRIVATE WEFT_CODE_FOLDER="${WEFT_CODE_FOLDER}" WEFT_FENCE_PROBE="")
target_compile_options(headers_alone PRIVATE -O0 -g0 $<$<COMPILE_LANGUAGE:C>:-Wpedantic>)
target_link_libraries(headers_alone PRIVATE weft_options Boost::headers CLI11::CLI11 GTest::gmock
  nlohmann_json::nlohmann_json OpenSSL::Crypto PkgConfig::NL PkgConfig::PCAP PkgConfig::TOMLPLUSPLUS spdlog::spdlog)
