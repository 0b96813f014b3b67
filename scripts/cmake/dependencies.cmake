# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# Everything found here is optional; what is missing switches off what needs it, and says so.
# Each becomes CONTINUO_HAVE_<NAME> and, where found, the target continuo_dep_<name>.
find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)

function(continuo_dependency name module loses)
  string(TOUPPER ${name} upper)
  if(PkgConfig_FOUND)
    pkg_check_modules(${upper} QUIET IMPORTED_TARGET ${module})
  endif()
  if(${upper}_FOUND)
    add_library(continuo_dep_${name} ALIAS PkgConfig::${upper})
    set(CONTINUO_HAVE_${upper} ON PARENT_SCOPE)
    message(STATUS "continuo: ${name} ${${upper}_VERSION}")
  else()
    set(CONTINUO_HAVE_${upper} OFF PARENT_SCOPE)
    message(STATUS "continuo: ${name} NOT found, without it: ${loses}")
  endif()
endfunction()

continuo_dependency(jack jack "no JACK client (continuo live works on files only)")
continuo_dependency(sndfile sndfile "no audio files (encode, decode, roundtrip off)")
continuo_dependency(samplerate samplerate "no sample-rate conversion (files and hosts must run at the codec's rate)")
continuo_dependency(ogg ogg "no .rvq files")
continuo_dependency(liblo liblo "no OSC")
continuo_dependency(kissfft kissfft-float "no spectral losses (continuo-train off)")
continuo_dependency(inih inih "no recipes (continuo-train off), no presets")
continuo_dependency(protobufc libprotobuf-c "no TensorBoard logs")
find_program(CONTINUO_PROTOC_C protoc-c)
if(CONTINUO_HAVE_PROTOBUFC AND NOT CONTINUO_PROTOC_C)
  set(CONTINUO_HAVE_PROTOBUFC OFF)
  message(STATUS "continuo: protoc-c NOT found, without it: no TensorBoard logs")
endif()
continuo_dependency(png libpng "no pictures in TensorBoard logs")
continuo_dependency(mpi ompi-c "no training in more than one process")
continuo_dependency(cmocka cmocka "no unit tests")
