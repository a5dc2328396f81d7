// What a debugger wants to know of the exceptions and interrupts that the processor delivered last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fixpoint::models {

struct ExceptionRecord {
    uint8_t vector;
    bool has_error;
    bool nested; // raised while the one before it was being delivered
    uint32_t error;
    uint32_t eip; // where it is to return to
    uint32_t cr2;
};

class ExceptionLog {
public:
    void add(const ExceptionRecord& record) { records_[count_++ % records_.size()] = record; }

    [[nodiscard]] std::vector<ExceptionRecord> newest_first() const {
        std::vector<ExceptionRecord> list;
        for (size_t age = 0; age < records_.size() && age < count_; ++age)
            list.push_back(records_[(count_ - 1 - age) % records_.size()]);
        return list;
    }

private:
    std::array<ExceptionRecord, 8> records_{};
    size_t count_ = 0;
};

} // namespace fixpoint::models
