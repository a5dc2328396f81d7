// What the compiler calls by itself in the test programs.
#include "kernel-model/abi/memory_functions.hpp"
