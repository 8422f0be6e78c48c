# cmake -D COMMAND=<program>|<argument>... -D EXPECTED=<file> -P check_output.cmake
#
# Runs the program and fails unless it ends well, prints exactly what the file holds, and is silent on stderr.
string(REPLACE "|" ";" command "${COMMAND}")
file(READ "${EXPECTED}" expected)
execute_process(COMMAND ${command} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
if(NOT result STREQUAL "0")
  message(FATAL_ERROR "${COMMAND} ended with ${result}\n${output}${errors}")
endif()
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "${COMMAND} printed\n${output}where ${EXPECTED} has\n${expected}")
endif()
if(NOT errors STREQUAL "")
  message(FATAL_ERROR "${COMMAND} printed to stderr\n${errors}")
endif()
