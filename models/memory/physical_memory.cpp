#include "models/memory/physical_memory.hpp"

#include <new>
#include <stdexcept>

#include <sys/mman.h>

namespace fixpoint::models {

PhysicalMemory::PhysicalMemory(size_t bytes) : data_{nullptr}, size_{bytes} {
    if (bytes == 0 || bytes % 4096 != 0 || bytes > size_t{3} << 30)
        throw std::invalid_argument("memory size must be a multiple of 4096 bytes, at most 3 GiB");
    void* area =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(area);
}

PhysicalMemory::~PhysicalMemory() {
    munmap(data_, size_);
}

std::span<uint8_t> PhysicalMemory::span(uint64_t address, size_t bytes) {
    if (!contains(address, bytes))
        throw std::out_of_range("physical address range is not memory");
    return {data_ + address, bytes};
}

void PhysicalMemory::power_cycle() {
    // Dropping the pages of a private anonymous mapping makes them read as zero again.
    madvise(data_, size_, MADV_DONTNEED);
}

} // namespace fixpoint::models
