// L4 Version X.0 on IA-32: identifiers, fpages, timeouts and condition codes.
//
// Source: L4 Nucleus X.0 reference manual (Liedtke, 28 August 1999), as the L4Ka::Hazelnut kernel has it.
// Header-only and freestanding: the kernel, every guest program and the host's observers share it.
#pragma once

#include <cstdint>

namespace l4 {

// Thread id: chief 8 (high) | task 8 | lthread 6 | version 10 (low).
struct ThreadId {
    uint32_t raw = 0;

    static constexpr unsigned version_bits = 10, lthread_bits = 6, task_bits = 8;

    static constexpr ThreadId make(unsigned task, unsigned lthread, unsigned version, unsigned chief) {
        return {(chief & 0xFFu) << 24 | (task & 0xFFu) << 16 | (lthread & 0x3Fu) << 10 | (version & 0x3FFu)};
    }
    // The receive source of interrupt line `irq` (0-15).
    static constexpr ThreadId interrupt(unsigned irq) { return {irq + 1}; }

    constexpr unsigned version() const { return raw & 0x3FFu; }
    constexpr unsigned lthread() const { return raw >> 10 & 0x3Fu; }
    constexpr unsigned task() const { return raw >> 16 & 0xFFu; }
    constexpr unsigned chief() const { return raw >> 24; }
    constexpr ThreadId with_lthread(unsigned lthread_no) const {
        return {(raw & ~0xFC00u) | (lthread_no & 0x3Fu) << 10};
    }
    // Interrupt ids have only their low 8 bits set; such small numbers are never threads (their task would be 0).
    constexpr bool is_interrupt() const { return raw != 0 && raw <= 0xFFu; }
    constexpr bool is_nil() const { return raw == 0; }
    constexpr bool operator==(const ThreadId&) const = default;
};
static_assert(sizeof(ThreadId) == 4);

inline constexpr ThreadId nil_thread{0};
inline constexpr ThreadId invalid_thread{0xFFFFFFFFu};
inline constexpr unsigned task_count = 256, threads_per_task = 64;

// The ids the kernel starts with: {version, lthread, task, chief} = sigma0 {1,0,2,4}, root {1,0,4,4}.
inline constexpr ThreadId sigma0_thread = ThreadId::make(2, 0, 1, 4);
inline constexpr ThreadId root_thread = ThreadId::make(4, 0, 1, 4);

inline constexpr uint32_t page_bits = 12, page_size = 1u << page_bits;
inline constexpr uint32_t superpage_bits = 22, superpage_size = 1u << superpage_bits;

// Fpage: base[31:12] | 0[11:8] | log2 size[7:2] | two flag bits[1:0].
// In a send fpage the low bits are g (0: grant) and w (1: writable); in a receive window they are ignored.
struct Fpage {
    uint32_t raw = 0;

    static constexpr uint32_t grant_bit = 1, write_bit = 2;

    static constexpr Fpage make(uint32_t base, unsigned log2_size, uint32_t flags = 0) {
        const uint32_t mask = log2_size >= 32 ? 0 : ~((1u << log2_size) - 1);
        return {(base & mask & ~0xFFFu) | log2_size << 2 | flags};
    }
    static constexpr Fpage whole_space() { return {32u << 2}; }

    constexpr uint32_t base() const { return raw & ~0xFFFu; }
    constexpr unsigned log2_size() const { return raw >> 2 & 0x3Fu; }
    constexpr bool writable() const { return raw & write_bit; }
    constexpr bool grant() const { return raw & grant_bit; }
};
static_assert(sizeof(Fpage) == 4);

// Flags of fpage_unmap's mapmask (ECX).
inline constexpr uint32_t unmap_own_too = 1u << 31; // flush: the caller's own mapping as well
inline constexpr uint32_t unmap_fully = 1u << 1;    // without it only write access is revoked
// Ours: EAX returns what has been done with the fpage's pages since the last such call, through mappings derived from
// the caller's: page_accessed, page_written. Before anything is revoked; or unmap_nothing: nothing is.
inline constexpr uint32_t unmap_take_status = 1u << 2, unmap_nothing = 1u << 3;
// With it: which pages were written instead. Bit i is the fpage's page i (of more than 32, every 32nd from there on).
inline constexpr uint32_t unmap_status_by_page = 1u << 4;
inline constexpr uint32_t page_accessed = 1u << 0, page_written = 1u << 1;

// Timeouts word, high to low: m_r 8 | m_s 8 | p_s 4 | p_r 4 | e_s 4 | e_r 4.
// e = 0: infinite; m = 0 and e != 0: zero; else 4^(15-e) * m microseconds.
struct Timeouts {
    uint32_t raw = 0; // all infinite

    static constexpr uint64_t infinite_us = ~uint64_t{0};

    static constexpr uint64_t decode_us(unsigned exponent, unsigned mantissa) {
        return exponent == 0 ? infinite_us : uint64_t{mantissa} << 2 * (15 - exponent);
    }
    constexpr uint64_t receive_us() const { return decode_us(raw & 0xFu, raw >> 24); }
    constexpr uint64_t send_us() const { return decode_us(raw >> 4 & 0xFu, raw >> 16 & 0xFFu); }

    // p: 0 infinite, 15 zero, else 4^(15-p) microseconds, for each page fault. The send page-fault timeout is the sender's,
    // for faults in the receiver's space; the other one the receiver's, for faults in the sender's space.
    static constexpr unsigned page_fault_zero = 15;
    static constexpr uint64_t decode_page_fault_us(unsigned p) {
        return p == 0 ? infinite_us : p == page_fault_zero ? 0 : uint64_t{1} << 2 * (15 - p);
    }
    constexpr uint64_t send_page_fault_us() const { return decode_page_fault_us(raw >> 12 & 0xFu); }
    constexpr uint64_t receive_page_fault_us() const { return decode_page_fault_us(raw >> 8 & 0xFu); }
    // The same timeouts with other page-fault timeouts, given as p.
    constexpr Timeouts with_page_faults(unsigned send_p, unsigned receive_p) const {
        return {(raw & ~0xFF00u) | (send_p & 0xFu) << 12 | (receive_p & 0xFu) << 8};
    }

    // The shortest representable timeout that is at least `us`; 0 gives the zero timeout.
    static constexpr uint32_t encode_us(uint64_t us) {
        for (unsigned exponent = 15; exponent >= 1; --exponent) {
            const unsigned shift = 2 * (15 - exponent);
            const uint64_t mantissa = (us + (uint64_t{1} << shift) - 1) >> shift;
            if (mantissa <= 255)
                return exponent | static_cast<uint32_t>(mantissa) << 8;
        }
        return 0; // longer than the format can say: infinite
    }
    static constexpr Timeouts infinite() { return {0}; }
    static constexpr Timeouts zero() { return make(0, 0).with_page_faults(page_fault_zero, page_fault_zero); }
    // A server's: who does not wait for the reply, or has a page fault where it goes, gets none. A client that
    // receives into memory could hold the server up otherwise, with a map item already.
    static constexpr Timeouts reply() { return make(0, infinite_us).with_page_faults(page_fault_zero, 0); }
    static constexpr Timeouts make(uint64_t send_timeout_us, uint64_t receive_timeout_us) {
        const uint32_t s = send_timeout_us == infinite_us ? 0 : encode_us(send_timeout_us);
        const uint32_t r = receive_timeout_us == infinite_us ? 0 : encode_us(receive_timeout_us);
        return {(r >> 8) << 24 | (s >> 8) << 16 | (s & 0xFu) << 4 | (r & 0xFu)};
    }
};
static_assert(Timeouts::make(0, 0).receive_us() == 0 && Timeouts::make(0, 0).send_us() == 0);
static_assert(Timeouts::make(Timeouts::infinite_us, 1000).receive_us() >= 1000);

// id_nearest's type: the bits i and r of the condition code of a message to that destination.
enum class ClanRelation : uint32_t { same_clan = 0x0, outer_clan = 0x4, inner_clan = 0xC };

// Bits 19:16 of the word that thread_schedule returns. The kernel's own messages on a thread's behalf (page faults)
// are not the user's: such a thread is running, with the kernel calling its pager. The same within a transfer.
enum class ThreadRunState : uint32_t {
    running = 0x0,
    running_calls_pager = 0x1,
    sending = 0x4, // transfers a message through memory
    sending_calls_pager = 0x5,
    receiving = 0x8,
    receiving_calls_pager = 0x9,
    waiting = 0xC, // receives, nothing has come yet
    pending = 0xD, // sends, the partner does not receive yet
    dead =
        0xF, // stopped by an exception, or not started yet; 0xFFFFFFFF: no such thread, or not to be scheduled
};

// IPC descriptors.
inline constexpr uint32_t no_send = 0xFFFFFFFFu, no_receive = 0xFFFFFFFFu;
inline constexpr uint32_t send_registers = 0; // register message
inline constexpr uint32_t send_map = 1u << 1; // m: w0, w1 are a map item (send base, send fpage)
// p: in the name of the thread whose message the sender has received last, if that or the destination is of its own
// task; else p means nothing.
inline constexpr uint32_t send_propagated = 1;
inline constexpr uint32_t receive_registers = 0; // closed wait, register message
inline constexpr uint32_t open_wait = 1;         // o
// The descriptor is an fpage: receive window of a map message.
inline constexpr uint32_t receive_window_bit = 2;
constexpr uint32_t receive_window(Fpage window, bool open) {
    return (window.raw & ~3u) | receive_window_bit | (open ? open_wait : 0);
}

// Message dope and condition code: dwords 19 | parts 5 | cc 8; cc = ec[7:4] | i | r | m | d.
// Clans do not redirect messages here, so i has a meaning of our own: the kernel asks for a TCB page. No user
// can send a message with it, so a TCB pager gives TCBs to the kernel only.
struct MessageResult {
    uint32_t raw = 0;

    static constexpr uint32_t propagated_bit = 1, mapped_bit = 2, tcb_fault_bit = 8;

    constexpr unsigned words() const { return raw >> 13; }          // of a message in memory
    constexpr unsigned strings() const { return raw >> 8 & 0x1Fu; } // receive dopes that were used
    constexpr unsigned error() const { return raw >> 4 & 0xFu; }
    constexpr bool ok() const { return error() == 0; }
    constexpr bool mapped() const { return raw & mapped_bit; }
    constexpr bool propagated() const { return raw & propagated_bit; } // not from the thread that it names
    constexpr bool is_tcb_fault() const { return raw & tcb_fault_bit; }
};

// Error codes; the _send variants are the _receive ones plus 1.
enum class IpcError : unsigned {
    none = 0,
    no_such_thread = 1,
    receive_timeout = 2,
    send_timeout = 3,
    receive_cancelled = 4,
    send_cancelled = 5,
    receive_map_failed = 6,
    send_map_failed = 7,
    send_page_fault_timeout = 8,
    receive_page_fault_timeout = 10,
    receive_aborted = 12,
    send_aborted = 13,
    receive_cut = 14,
    send_cut = 15,
};

} // namespace l4
