// What the compiler calls by itself in the kernel.
#include "kernel-model/abi/memory_functions.hpp"
