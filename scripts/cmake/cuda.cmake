# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# CONTINUO_HAVE_CUDA: wanted (CONTINUO_CUDA) and here. One front-end pass from compute_75 serves
# the machine code of four generations and the PTX that later ones translate; Hopper has its own.
set(CONTINUO_HAVE_CUDA OFF)
if(CONTINUO_CUDA)
  include(CheckLanguage)
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit QUIET)
  endif()
  if(CMAKE_CUDA_COMPILER AND TARGET CUDA::cudart_static AND TARGET CUDA::cublas)
    set(CONTINUO_HAVE_CUDA ON)
    message(STATUS "continuo: CUDA ${CUDAToolkit_VERSION}, sm_75 to sm_90a and PTX")
  else()
    message(STATUS "continuo: CUDA NOT found (nvcc, cudart, cuBLAS), without it: no GPU")
  endif()
else()
  message(STATUS "continuo: CUDA not asked for (CONTINUO_CUDA is OFF): no GPU")
endif()
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CONTINUO_CUDA_TARGETS
  "-gencode=arch=compute_75,code=[compute_75,sm_75,sm_80,sm_86,sm_89]"
  "-gencode=arch=compute_90a,code=sm_90a")
