# cmake -D MPIRUN=<Open MPI's mpirun> -D PROGRAM=<executable> -P refused_ranks.cmake
#
# A program under a real launcher with two ranks must not run its body, must say why once for both, and must fail.
set(ENV{OMPI_ALLOW_RUN_AS_ROOT} 1)
set(ENV{OMPI_ALLOW_RUN_AS_ROOT_CONFIRM} 1)
set(ENV{OMPI_MCA_rmaps_base_oversubscribe} 1)
execute_process(COMMAND "${MPIRUN}" -n 2 "${PROGRAM}" OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
string(REGEX MATCHALL "procession: error: started by mpirun[^\n]* 2 ranks" refusals "${errors}")
list(LENGTH refusals count)
if(NOT count EQUAL 1 OR NOT output STREQUAL "" OR NOT result STREQUAL "1")
  message(FATAL_ERROR "ended with ${result}, refused ${count} times\nstdout: ${output}\nstderr: ${errors}")
endif()

# One rank is like none.
execute_process(COMMAND "${MPIRUN}" -n 1 "${PROGRAM}" OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
if(output STREQUAL "" OR NOT result STREQUAL "0")
  message(FATAL_ERROR "alone it ended with ${result}\nstdout: ${output}\nstderr: ${errors}")
endif()
