// Decoded instructions: what the decoder leaves of an instruction, and the blocks they form.
//
// A handler executes one Op and calls the next one's handler (a tail call); the last Op of a block sets the
// next EIP and returns to the run loop. A block is a straight run of instructions within one page (or one
// instruction that crosses into the next), entered only at its start, keyed by physical address and by the
// mode bits that decided how it was decoded.
#pragma once

#include <cstdint>

namespace fixpoint::models {

class Core;
struct Op;
using Handler = void (*)(Core&, const Op*);

enum class Repeat : uint8_t { none, while_equal, while_not_equal }; // F3, F2

struct Op {
    Handler handler;
    uint32_t immediate;    // or a branch's target relative to the block's start
    uint32_t displacement; // or a second immediate (ENTER, far pointers)
    uint32_t address_mask; // 0xFFFF with 16-bit addresses
    uint8_t reg, rm;       // operands in registers: byte offsets into Core::registers
    uint8_t base, index;   // address registers: indexes into Core::registers, 8: none
    uint8_t scale, segment;
    uint8_t number; // instructions of the block before this one
    Repeat repeat;
    uint16_t eip_offset, next_offset; // of this and the following instruction from the block's start
    uint16_t cycles_before;           // cost of the block up to here, without stalls
    uint8_t detail;                   // the handler's own: opcode extension, operand size
};

struct Block {
    static constexpr uint32_t dead = 1u << 31; // a bit of `mode` that no lookup asks for: invalidated
    static constexpr uint32_t no_page = 1;
    static constexpr unsigned max_instructions = 32;

    uint64_t key() const { return (uint64_t{mode} << 32) | physical; }

    uint32_t physical; // first byte
    uint32_t mode;
    uint32_t second_page; // physical address of the second page of a crossing instruction, or no_page
    uint32_t cycles;      // cost without stalls
    uint16_t bytes;
    uint8_t instructions;
    uint8_t lines;    // cache lines it covers
    bool provisional; // not for the cache: see Decoded, and build_block()
    uint8_t op_count; // instructions, and the end-of-block Op where no branch ends it
    uint16_t
        extent; // a write to so many bytes from its first, perhaps more than `bytes`, could change what it is
    Block* chain[2]; // hints: the blocks that followed last time (not taken, taken)
    Op* ops;
    Block* next_in_bucket;
};

} // namespace fixpoint::models
