# Run as a script by the tests of CompileFail.cmake.
string(REPLACE "|" ";" folders "${FOLDERS}")
list(TRANSFORM folders PREPEND -I)
set(command ${COMPILER} -std=c++20 -fsyntax-only -fdiagnostics-color=never ${folders} ${SOURCE})

execute_process(COMMAND ${command} -DPROCESSION_CORRECT RESULT_VARIABLE status ERROR_VARIABLE messages)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "does not compile without the mistake (PROCESSION_CORRECT) either:\n${messages}")
endif()

execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE messages)
if(status EQUAL 0)
  message(FATAL_ERROR "compiles, and should not")
endif()
string(REGEX REPLACE "[ \t\n]+" " " flat "${messages}")
if(NOT flat MATCHES "${EXPECT}")
  message(FATAL_ERROR "no message matches \"${EXPECT}\":\n${messages}")
endif()
