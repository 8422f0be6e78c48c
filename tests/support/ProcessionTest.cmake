# procession_test(<target> SOURCES <file>... [LIBRARIES <target>...] [APPLICATION] [ON_RANKS_ONLY] [SERIAL <filter>] [PREFIX <text>] [LABELS <label>...]
#                 [NOT_UNDER_VALGRIND <case>...] [ENVIRONMENT <NAME=value>...] [TIMEOUT <seconds>])
#
# A suite: one executable over procession::core with GoogleTest, whose cases are CTest tests; the leak guard watches each.
# APPLICATION: its main is inside Application::run, so that there is a fork server.
# ON_RANKS_ONLY: an application whose cases need ranks: only what procession_mpi_test makes of it is run.
# SERIAL: the cases that match the GoogleTest filter run a second time, as serial/<name>, on the serial backend.
# PREFIX: in front of the names of the CTest tests, for cases that another suite has as well.
# LABELS: `unit` also runs the suite under valgrind where PROCESSION_MEMCHECK is on; `threads`: .ci/run also runs it under
#   the thread sanitizer.
# NOT_UNDER_VALGRIND: the cases that valgrind 3.19 cannot run: it has no pidfd_open.
# TIMEOUT: of one case (60 by default); sanitizers get five times as long.
function(procession_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "APPLICATION;ON_RANKS_ONLY" "SERIAL;PREFIX;TIMEOUT"
    "SOURCES;LIBRARIES;LABELS;NOT_UNDER_VALGRIND;ENVIRONMENT")
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
  set(main $<IF:$<OR:$<BOOL:${arg_APPLICATION}>,$<BOOL:${arg_ON_RANKS_ONLY}>>,procession_test_application_main,procession_test_main>)
  target_link_libraries(${target} PRIVATE ${main} procession::core ${arg_LIBRARIES})

  if(arg_ON_RANKS_ONLY)
    return()
  endif()
  _procession_discover(${target} ${target}_tests TEST_PREFIX "${arg_PREFIX}")
  if(arg_SERIAL)
    list(APPEND arg_ENVIRONMENT PROCESSION_BACKEND=serial)
    _procession_discover(${target} ${target}_serial_tests TEST_PREFIX serial/ TEST_FILTER ${arg_SERIAL})
  endif()

  if(PROCESSION_MEMCHECK AND "unit" IN_LIST arg_LABELS)
    list(JOIN arg_NOT_UNDER_VALGRIND : left_out)
    add_test(NAME memcheck/${target} COMMAND ${VALGRIND} --quiet --leak-check=full --show-leak-kinds=definite
      --errors-for-leak-kinds=definite --error-exitcode=9 --child-silent-after-fork=no
      --suppressions=${PROJECT_SOURCE_DIR}/tests/support/valgrind.supp
      $<TARGET_FILE:${target}> --gtest_filter=-*LargeTest*:${left_out})
    set_tests_properties(memcheck/${target} PROPERTIES TIMEOUT 900 LABELS memcheck ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
endfunction()

# procession_mpi_test(<target> RANKS <count>... [NAME <text>] [FILTER <filter>] [TIMEOUT <seconds>])
#
# Runs an APPLICATION suite under mpirun, once for each rank count: mpi/<target>/<count>-ranks, or with NAME in the place of the
# target. Its cases run in rank 0, as a program's body does, over the workers of all ranks. One launch a count, since each
# takes half a second. The target mpi_suites builds all that is run so.
function(procession_mpi_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME;FILTER;TIMEOUT" "RANKS")
  if(NOT arg_NAME)
    set(arg_NAME ${target})
  endif()
  if(NOT TARGET mpi_suites)
    add_custom_target(mpi_suites)
  endif()
  add_dependencies(mpi_suites ${target})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    math(EXPR arg_TIMEOUT "5 * ${arg_TIMEOUT}")
    if(NOT arg_FILTER MATCHES "-")
      string(APPEND arg_FILTER "-")
    endif()
    string(APPEND arg_FILTER ":*LargeTest*")  # behind what is left out, as in the presets of sanitizers
  endif()
  foreach(count IN LISTS arg_RANKS)
    add_test(NAME mpi/${arg_NAME}/${count}-ranks
      COMMAND ${PROJECT_SOURCE_DIR}/tests/support/on-ranks ${MPIEXEC_EXECUTABLE} ${count} $<TARGET_FILE:${target}>
        --gtest_filter=${arg_FILTER})
    set_tests_properties(mpi/${arg_NAME}/${count}-ranks PROPERTIES
      LABELS mpi PROCESSORS 2 TIMEOUT ${arg_TIMEOUT} ENVIRONMENT PROCESSION_BACKEND=mpi)
  endforeach()
endfunction()

# Makes the cases of a suite tests with the properties that procession_test was asked for. Properties that are lists
# arrive in pieces through gtest_discover_tests; so CTest sets them after it has read the tests.
function(_procession_discover target list)
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60 TEST_LIST ${list} ${ARGN})
  file(CONFIGURE OUTPUT ${list}_properties.cmake @ONLY CONTENT [[
if(@list@)
  set_tests_properties(${@list@} PROPERTIES TIMEOUT @arg_TIMEOUT@ LABELS "@arg_LABELS@" ENVIRONMENT "@arg_ENVIRONMENT@")
endif()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${list}_properties.cmake)
endfunction()
