# Freestanding IA-32 programs: the kernel, the servers and the workloads. They are compiled by the same g++ with
# -m32 (package g++-multilib) in every preset with the same flags, so that an image is the same whatever the host build.
set(GUEST_IMAGE_DIR ${CMAKE_BINARY_DIR}/image)
set(GUEST_COMPILE_OPTIONS
    -m32 -march=i686 -O2 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
    -fcf-protection=none -mgeneral-regs-only -fno-strict-aliasing -UNDEBUG
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. # the same image from every checkout
    -Wall -Wextra -Werror
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics;-fno-use-cxa-atexit;-Wold-style-cast;-Wno-array-bounds>)

# Everything that an experiment boots: `ninja image`.
add_custom_target(image)

# add_guest_program(NAME SOURCES file... LINKER_SCRIPT file [LINK_OPTIONS option...] [LIBS target...])
# Builds image/NAME.elf.
function(add_guest_program NAME)
    cmake_parse_arguments(ARG "" "LINKER_SCRIPT" "SOURCES;LINK_OPTIONS;LIBS" ${ARGN})
    set(TARGET image-${NAME})
    add_executable(${TARGET} ${ARG_SOURCES})
    target_compile_options(${TARGET} PRIVATE ${GUEST_COMPILE_OPTIONS})
    target_include_directories(${TARGET} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_options(${TARGET} PRIVATE -m32 -nostdlib -static -no-pie -Wl,--build-id=sha1 -Wl,-z,noexecstack
                        -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -T ${ARG_LINKER_SCRIPT} ${ARG_LINK_OPTIONS})
    target_link_libraries(${TARGET} PRIVATE ${ARG_LIBS} gcc)
    set_target_properties(${TARGET} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${GUEST_IMAGE_DIR} OUTPUT_NAME ${NAME}.elf
        LINK_DEPENDS ${ARG_LINKER_SCRIPT} CXX_CLANG_TIDY "")
    if(NOT CMAKE_CURRENT_SOURCE_DIR MATCHES "^${CMAKE_SOURCE_DIR}/tests/")
        add_dependencies(image ${TARGET})
    endif()
endfunction()

# add_guest_library(NAME SOURCES file...): a static library of guest code.
function(add_guest_library NAME)
    cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
    add_library(${NAME} STATIC ${ARG_SOURCES})
    target_compile_options(${NAME} PRIVATE ${GUEST_COMPILE_OPTIONS})
    target_include_directories(${NAME} PRIVATE ${CMAKE_SOURCE_DIR})
endfunction()
