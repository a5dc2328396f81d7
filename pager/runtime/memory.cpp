// What the compiler calls by itself in the servers.
#include "kernel-model/abi/memory_functions.hpp"
