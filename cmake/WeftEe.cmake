# SPDX-License-Identifier: Apache-2.0
# weft_ee(NAME sources...): an execution environment from sources that define an_eeInit.
#
# Makes NAME.so, for `[ee.X] load = "./NAME.so"` (target NAME), and the program NAME, for
# `[ee.X] exec = ["/.../NAME"]` (target NAME_process).
function(weft_ee name)
  # What is undefined in it, weftd gives it when it is loaded.
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(${name} PRIVATE weft::an)
  # Or a C++ EE would stay loaded when it ends (dlclose(3)).
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  add_executable(${name}_process ${ARGN})
  set_target_properties(${name}_process PROPERTIES OUTPUT_NAME ${name})
  target_link_libraries(${name}_process PRIVATE weft::ee_main)
endfunction()
