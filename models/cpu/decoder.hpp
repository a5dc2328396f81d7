// From instruction bytes to an Op: Zydis finds length and fields, this chooses the handler and the cost.
#pragma once

#include "models/cpu/cpu_parameters.hpp"
#include "models/cpu/op.hpp"

#include <Zydis/Zydis.h>

#include <cstddef>
#include <cstdint>

namespace fixpoint::models {

// What an instruction costs where nothing stalls.
struct Cost {
    uint32_t micro_ops = 1;
    uint32_t extra_cycles = 0;
};

struct Decoded {
    Op op{};
    Cost cost;
    uint8_t length = 0;
    bool ends_block = false;
    bool relative = false;    // immediate: a displacement from the next instruction
    bool counts = true;       // probes are not instructions
    bool provisional = false; // invalid as it stands; bytes behind `length` may have decided that
    bool incomplete = false;  // more bytes are needed than were given
};

class Decoder {
public:
    explicit Decoder(const CpuParameters& parameters);

    // `bytes`: what follows at the instruction pointer, at most 15. An invalid instruction decodes to one
    // that raises the exception. `mode`: block_mode bits.
    [[nodiscard]] Decoded decode(const uint8_t* bytes, size_t available, uint32_t mode) const;

private:
    const CpuParameters& parameters_;
    ZydisDecoder decoder16_{}, decoder32_{};
};

} // namespace fixpoint::models
