# Compiler and linker settings shared by all targets.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set_property(GLOBAL PROPERTY USE_FOLDERS ON)

add_library(fusejit_flags INTERFACE)
target_compile_options(fusejit_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes
  $<$<BOOL:${FUSEJIT_WERROR}>:-Werror>
  # The values of floating-point code here are promises: no contraction behind our back.
  -ffp-contract=off -fno-math-errno)
target_compile_definitions(fusejit_flags INTERFACE
  _GNU_SOURCE $<$<CONFIG:Release>:NDEBUG>)
if(FUSEJIT_SANITIZE)
  target_compile_options(fusejit_flags INTERFACE
    -fsanitize=${FUSEJIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fusejit_flags INTERFACE -fsanitize=${FUSEJIT_SANITIZE})
endif()
if(FUSEJIT_FUZZ)
  target_compile_options(fusejit_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(fusejit_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FUSEJIT_COVERAGE)
  target_compile_options(fusejit_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(fusejit_flags INTERFACE -fprofile-instr-generate)
endif()

# lld links static LLVM several times faster than bfd.
find_program(FUSEJIT_LLD NAMES ld.lld)
if(FUSEJIT_LLD)
  add_link_options(-fuse-ld=lld)
endif()
