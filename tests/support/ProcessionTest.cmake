# procession_test(<target> SOURCES <file>... [LIBRARIES <target>...] [APPLICATION] [SERIAL <filter>] [LABELS <label>...]
#                 [ENVIRONMENT <NAME=value>...] [TIMEOUT <seconds>])
#
# A suite: one executable over procession::core with GoogleTest, whose cases are CTest tests; the leak guard watches each.
# APPLICATION: its main is inside Application::run, so that there is a fork server.
# SERIAL: the cases that match the GoogleTest filter run a second time, as serial/<name>, on the serial backend.
# LABELS: `unit` also runs the suite under valgrind where PROCESSION_MEMCHECK is on.
# TIMEOUT: of one case (60 by default); sanitizers get five times as long.
function(procession_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "APPLICATION" "SERIAL;TIMEOUT" "SOURCES;LIBRARIES;LABELS;ENVIRONMENT")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "procession_test(${target}): what is ${arg_UNPARSED_ARGUMENTS}?")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    math(EXPR arg_TIMEOUT "5 * ${arg_TIMEOUT}")
  endif()

  add_executable(${target} ${arg_SOURCES})
  procession_target(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/framework/src)
  set(main $<IF:$<BOOL:${arg_APPLICATION}>,procession_test_application_main,procession_test_main>)
  target_link_libraries(${target} PRIVATE ${main} procession::core ${arg_LIBRARIES})

  # Lists go through gtest_discover_tests as one argument only where their semicolons are escaped.
  string(REPLACE ";" "\\;" labels "${arg_LABELS}")
  string(REPLACE ";" "\\;" environment "${arg_ENVIRONMENT}")
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${labels}" ENVIRONMENT "${environment}")
  if(arg_SERIAL)
    list(APPEND arg_ENVIRONMENT PROCESSION_BACKEND=serial)
    string(REPLACE ";" "\\;" environment "${arg_ENVIRONMENT}")
    gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60
      TEST_PREFIX serial/ TEST_FILTER ${arg_SERIAL} TEST_LIST ${target}_serial_tests
      PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${labels}" ENVIRONMENT "${environment}")
  endif()

  if(PROCESSION_MEMCHECK AND "unit" IN_LIST arg_LABELS)
    add_test(NAME memcheck/${target} COMMAND ${VALGRIND} --quiet --leak-check=full --errors-for-leak-kinds=definite
      --error-exitcode=9 --child-silent-after-fork=no $<TARGET_FILE:${target}> --gtest_filter=-*LargeTest*)
    set_tests_properties(memcheck/${target} PROPERTIES TIMEOUT 900 LABELS memcheck ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
endfunction()
