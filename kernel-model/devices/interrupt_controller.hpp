// The two cascaded 8259A interrupt controllers. Lines 0-15 come in at vectors 0x20-0x2F. Source: Intel 8259A
// data sheet.
#pragma once

#include <cstdint>

namespace kernel {

class InterruptController {
public:
    void initialise(); // all lines masked
    void mask(unsigned line);
    void unmask(unsigned line);
    void acknowledge(unsigned line);
    bool is_spurious(unsigned line); // line 7 or 15 without its in-service bit

private:
    uint16_t masked_ = 0xFFFF;
};

extern InterruptController interrupt_controller;

} // namespace kernel
