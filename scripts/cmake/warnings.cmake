# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT

# One interface target that every target of ours links: warnings, include root, sanitizers.
add_library(continuo_flags INTERFACE)
target_include_directories(continuo_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(continuo_flags INTERFACE _GNU_SOURCE)
target_compile_options(continuo_flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wdouble-promotion -ffp-contract=off
    -fno-math-errno>)
if(CONTINUO_WERROR)
  target_compile_options(continuo_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
if(CONTINUO_SANITIZE)
  target_compile_options(continuo_flags INTERFACE
    -fsanitize=${CONTINUO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(continuo_flags INTERFACE -fsanitize=${CONTINUO_SANITIZE})
endif()

if(CONTINUO_FUZZ) # coverage counters in every library, so that libFuzzer sees where it gets
  target_compile_options(continuo_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(continuo_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# continuo_library(NAME SOURCES... ): a static library of one floor of the house.
function(continuo_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC continuo_flags)
endfunction()
