// Transferring a memory message, as a machine that can stop anywhere.
//
// run() copies until the message is over, a page is missing on either side, or its budget is spent; what it has
// reached is in TransferProgress alone, and it goes on from there at the next run(). Pages may have come, gone or
// changed meanwhile: everything in user memory is read anew except the dopes (the sender's when it makes its call, the
// receiver's here), so that the amount of work is fixed whatever user level does to the message. Each step first looks at all
// pages that it needs, then acts, then notes the progress: nothing is done twice, but map items of a step that ran
// out of memory.
//
//   open     the receiver's window and size dope
//   map      map items, one by one
//   words    doublewords from number 3 on
//   strings  string dope by string dope, scattered and gathered
//
// What does not fit is cut: the words that fit come over, strings end with the first that does not. An address outside
// user space cuts too.
//
// A template over memory and mapping, so that host tests drive it with faults at every step. Memory has
//   bool sender_readable(address), receiver_writable(address)      false: the page is missing, or not writable
//   const uint32_t* sender_word(address)                           readable
//   const uint32_t* receiver_word(address)                         null: the page is missing
//   uint32_t* receiver_word_to_write(address)                      writable
//   void copy(to, from, bytes)                                     within a page each, both just found there
//   bool map(send_base, fpage, window)                             false: no memory
#pragma once

#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/thread/transfer_state.hpp"

#include <cstdint>

namespace kernel {

struct TransferStep {
    enum class Outcome : uint8_t { done, budget_spent, sender_fault, receiver_fault };
    Outcome outcome;
    bool write;       // of a fault
    uint32_t address; // of a fault
};

// The two descriptors and what goes with them; they stay as they are during a transfer. The receiver's is an address.
struct MessageEnds {
    uint32_t send_descriptor, receive_descriptor;
    uint32_t w0, w1; // the first map item
    bool same_space; // nothing is mapped
};

template<class Memory>
class MessageTransfer {
public:
    MessageTransfer(Memory& memory, const MessageEnds& ends, TransferProgress& progress)
        : memory_(memory), ends_(ends), progress_(progress) {}

    TransferStep run(uint32_t budget_bytes) {
        budget_ = budget_bytes;
        while (progress_.stage != TransferStage::done) {
            if (budget_ == 0)
                return {TransferStep::Outcome::budget_spent, false, 0};
            if (!step())
                return fault_;
        }
        return {TransferStep::Outcome::done, false, 0};
    }

private:
    static constexpr uint32_t size_offset = 4;
    static constexpr uint32_t send_size_offset = 0, send_address_offset = 4; // of a string dope
    static constexpr uint32_t receive_size_offset = 8, receive_address_offset = 12;

    bool step() {
        switch (progress_.stage) {
        case TransferStage::open:
            return open();
        case TransferStage::map:
            return map_item();
        case TransferStage::words:
            return copy_words();
        case TransferStage::strings:
            return string_step();
        case TransferStage::done:
            break;
        }
        return true;
    }

    uint32_t sender_base() const { return ends_.send_descriptor & ~3u; }
    uint32_t receiver_base() const { return ends_.receive_descriptor & ~3u; }

    // True: goes on with the next step.
    bool open() {
        l4::Fpage window{};
        l4::MessageDope size{};
        if (!read_receiver(receiver_base(), window.raw) ||
            !read_receiver(receiver_base() + size_offset, size.raw))
            return cut_if_outside();
        progress_.window = window;
        progress_.receiver_size = size;
        progress_.stage = TransferStage::map;
        return true;
    }

    bool map_item() {
        if (!(ends_.send_descriptor & l4::send_map) || ends_.same_space)
            return enter_words();
        if (progress_.window.log2_size() == 0) {
            progress_.cut = true;
            return enter_words();
        }
        uint32_t base = ends_.w0, fpage = ends_.w1;
        if (progress_.items_done != 0) {
            const uint32_t number = l4::register_words + 2 * (progress_.items_done - 1);
            if (number + 2 > progress_.sending.words())
                return enter_words();
            const uint32_t address = sender_base() + l4::message_header_bytes + 4 * number;
            if (!read_sender(address, base) || !read_sender(address + 4, fpage))
                return cut_if_outside();
            if (fpage == 0)
                return enter_words();
        }
        progress_.result |= l4::MessageResult::mapped_bit;
        if (!memory_.map(base, l4::Fpage{fpage}, progress_.window))
            return finish(l4::IpcError::receive_map_failed);
        ++progress_.items_done;
        budget_ = 0; // an fpage may be large
        return true;
    }

    bool enter_words() {
        const unsigned words = progress_.sending.words(), room = progress_.receiver_size.words();
        if (words <= l4::register_words && progress_.sending.strings() == 0)
            return finish(l4::IpcError::none); // a register message
        const bool too_many = words > l4::register_words && words > room;
        progress_.cut |= too_many;
        progress_.result |= l4::MessageDope::make(too_many ? room : words, 0).raw;
        progress_.words_done = l4::register_words;
        progress_.stage = TransferStage::words;
        return true;
    }

    bool copy_words() {
        const unsigned words = l4::MessageDope{progress_.result}.words();
        if (progress_.words_done >= words) {
            progress_.stage = TransferStage::strings;
            return true;
        }
        const uint32_t offset = l4::message_header_bytes + 4 * progress_.words_done;
        const uint32_t bytes =
            copy_part(receiver_base() + offset, sender_base() + offset, 4 * (words - progress_.words_done));
        if (bytes == 0)
            return cut_if_outside();
        progress_.words_done += bytes / 4;
        return true;
    }

    uint32_t sender_dope(unsigned number) const {
        return dope_address(sender_base(), progress_.sender_size.words(), number);
    }
    uint32_t receiver_dope(unsigned number) const {
        return dope_address(receiver_base(), progress_.receiver_size.words(), number);
    }
    static uint32_t dope_address(uint32_t base, uint32_t words, unsigned number) {
        return base + l4::message_header_bytes + 4 * words +
               static_cast<uint32_t>(sizeof(l4::StringDope)) * number;
    }

    // A piece of a string, or the way from one dope to the next.
    bool string_step() {
        if (progress_.from_string == progress_.sending.strings())
            return finish(l4::IpcError::none);
        if (progress_.to_string == progress_.receiver_size.strings())
            return cut();
        const uint32_t from = sender_dope(progress_.from_string), to = receiver_dope(progress_.to_string);
        uint32_t send_size = 0, send_address = 0, receive_size = 0, receive_address = 0;
        if (!read_sender(from + send_size_offset, send_size) ||
            !read_sender(from + send_address_offset, send_address) ||
            !read_receiver(to + receive_size_offset, receive_size) ||
            !read_receiver(to + receive_address_offset, receive_address))
            return cut_if_outside();
        const uint32_t to_send = left(send_size, progress_.from_string_done);
        const uint32_t room = left(receive_size, progress_.to_string_done);
        if (to_send == 0)
            return end_of_send_dope(receive_address);
        if (room == 0)
            return end_of_receive_dope(receive_address);
        const uint32_t bytes =
            copy_part(receive_address + progress_.to_string_done, send_address + progress_.from_string_done,
                      to_send < room ? to_send : room);
        if (bytes == 0)
            return cut_if_outside();
        progress_.from_string_done += bytes;
        progress_.to_string_done += bytes;
        return true;
    }
    static uint32_t left(uint32_t size, uint32_t done) {
        size &= ~l4::StringDope::continues_bit;
        return size > done ? size - done : 0;
    }

    // The next send dope continues the string, or begins another, which goes to the receiver's next string: what this
    // one of the receiver's has left of dopes is closed too, empty, one in each step.
    bool end_of_send_dope(uint32_t receive_address) {
        const unsigned next = progress_.from_string + 1u;
        const bool last = next == progress_.sending.strings();
        bool continues = false, room_goes_on = false;
        if (!last &&
            !read_continues(&MessageTransfer::read_sender, sender_dope(next) + send_size_offset, continues))
            return cut_if_outside();
        if (!continues) {
            if (!last && !next_room_continues(room_goes_on))
                return cut_if_outside();
            if (!close_receive_dope(receive_address))
                return cut_if_outside();
        }
        if (!room_goes_on) {
            progress_.from_string = static_cast<uint8_t>(next);
            progress_.from_string_done = 0;
        }
        return true;
    }

    // There is more to send: the receiver's next dope continues the string, or the rest is cut.
    bool end_of_receive_dope(uint32_t receive_address) {
        bool room_goes_on = false;
        if (!next_room_continues(room_goes_on) || !close_receive_dope(receive_address))
            return cut_if_outside();
        return room_goes_on ? true : cut();
    }

    bool next_room_continues(bool& continues) {
        const unsigned next = progress_.to_string + 1u;
        return next == progress_.receiver_size.strings() ||
               read_continues(&MessageTransfer::read_receiver, receiver_dope(next) + receive_size_offset,
                              continues);
    }
    bool read_continues(bool (MessageTransfer::*read)(uint32_t, uint32_t&), uint32_t address,
                        bool& continues) {
        uint32_t size = 0;
        const bool there = (this->*read)(address, size);
        continues = size & l4::StringDope::continues_bit;
        return there;
    }

    // Tells the receiver how much came.
    bool close_receive_dope(uint32_t receive_address) {
        const uint32_t dope = receiver_dope(progress_.to_string);
        if (!check_receiver(dope + send_size_offset) || !check_receiver(dope + send_address_offset))
            return false;
        *memory_.receiver_word_to_write(dope + send_size_offset) = progress_.to_string_done;
        *memory_.receiver_word_to_write(dope + send_address_offset) = receive_address;
        ++progress_.to_string;
        progress_.to_string_done = 0;
        return true;
    }

    // At most `bytes` that lie in one page on either side; returns how many, 0: a page is missing, or outside.
    uint32_t copy_part(uint32_t to, uint32_t from, uint32_t bytes) {
        if (!check_sender(from) || !check_receiver(to))
            return 0;
        const uint32_t limits[] = {l4::page_size - from % l4::page_size, l4::page_size - to % l4::page_size,
                                   budget_};
        for (const uint32_t limit : limits)
            bytes = bytes < limit ? bytes : limit;
        memory_.copy(to, from, bytes);
        budget_ -= bytes;
        return bytes;
    }

    // Access to one word or byte. False: fault_ says what is missing, or outside_ that it is not the user's.
    bool read_sender(uint32_t address, uint32_t& value) {
        if (!check_sender(address))
            return false;
        value = *memory_.sender_word(address);
        return true;
    }
    bool read_receiver(uint32_t address, uint32_t& value) {
        const uint32_t* const word = is_outside(address) ? nullptr : memory_.receiver_word(address);
        if (word == nullptr)
            return fails(TransferStep::Outcome::receiver_fault, false, address);
        value = *word;
        return true;
    }
    bool check_sender(uint32_t address) {
        return (!is_outside(address) && memory_.sender_readable(address)) ||
               fails(TransferStep::Outcome::sender_fault, false, address);
    }
    bool check_receiver(uint32_t address) {
        return (!is_outside(address) && memory_.receiver_writable(address)) ||
               fails(TransferStep::Outcome::receiver_fault, true, address);
    }
    static bool is_outside(uint32_t address) { return address >= l4::user_space_end; }
    bool fails(TransferStep::Outcome outcome, bool write, uint32_t address) {
        fault_ = {outcome, write, address};
        return false;
    }

    // False: the page at fault_ is missing.
    bool cut_if_outside() { return is_outside(fault_.address) ? cut() : false; }
    bool cut() {
        progress_.cut = true;
        return finish(l4::IpcError::none);
    }
    bool finish(l4::IpcError error) {
        if (error == l4::IpcError::none && progress_.cut)
            error = l4::IpcError::receive_cut;
        progress_.result |= l4::MessageDope::make(0, progress_.to_string).raw | static_cast<uint32_t>(error)
                                                                                    << 4;
        progress_.stage = TransferStage::done;
        return true;
    }

    Memory& memory_;
    const MessageEnds& ends_;
    TransferProgress& progress_;
    uint32_t budget_ = 0;
    TransferStep fault_{};
};

} // namespace kernel
