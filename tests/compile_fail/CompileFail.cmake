# procession_compile_fail_test(<name> SOURCE <file> EXPECT <regular expression> [LIBRARIES <target>...])
#
# A test, compile_fail/<name>, that the compiler refuses the file with a message that matches, as its user would see it;
# and that it accepts the file when PROCESSION_CORRECT is defined, with which the file leaves out its one mistake. Without
# that, a test would pass for any slip in the file. White space in the message, line breaks too, counts as one space.
function(procession_compile_fail_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE;EXPECT" "LIBRARIES")
  set(libraries procession::core ${arg_LIBRARIES})
  list(TRANSFORM libraries REPLACE "(.+)" "$<TARGET_PROPERTY:\\1,INTERFACE_INCLUDE_DIRECTORIES>")
  # Lists as they are would be split into arguments of their own.
  string(REPLACE ";" "|" folders "$<JOIN:${libraries},|>")
  add_test(NAME compile_fail/${name} COMMAND ${CMAKE_COMMAND}
    "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DFOLDERS=${folders}"
    "-DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/${arg_SOURCE}" "-DEXPECT=${arg_EXPECT}"
    -P ${PROJECT_SOURCE_DIR}/tests/compile_fail/compile.cmake)
  set_tests_properties(compile_fail/${name} PROPERTIES TIMEOUT 120 LABELS compile_fail)
endfunction()
