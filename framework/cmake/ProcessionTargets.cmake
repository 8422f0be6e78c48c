# Settings shared by every target of the project.

# procession_target(<target>): C++20 without extensions, the project's warnings, and a build-id, by which the ranks of a
# job recognise the same binary.
function(procession_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_options(${target} PRIVATE LINKER:--build-id)
endfunction()

# procession_component(<target> <component> <headers>...): makes the library a part of the installed package, found
# there as procession::<component>, and under the same name in the tree. The headers are installed, and checked to be
# self-contained (target all_verify_interface_header_sets).
function(procession_component target component)
  procession_target(${target})
  if(NOT TARGET procession::${component})
    add_library(procession::${component} ALIAS ${target})
  endif()
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${component}
    OUTPUT_NAME procession-${component}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/framework/include FILES ${ARGN})
  install(TARGETS ${target} EXPORT procession-${component}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT procession-${component}
    FILE procession-${component}.cmake NAMESPACE procession:: DESTINATION ${PROCESSION_PACKAGE_DIR})
endfunction()
