# Settings shared by every target of the project.

# procession_target(<target>): C++20 without extensions, and a build-id, by which ranks of a job recognise the same binary.
function(procession_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_options(${target} PRIVATE LINKER:--build-id)
endfunction()
