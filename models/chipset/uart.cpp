#include "models/chipset/uart.hpp"

#include <algorithm>
#include <utility>

namespace fixpoint::models {
namespace {

enum : uint32_t {
    data = 0,
    interrupt_enable = 1,
    identification = 2,
    line_control = 3,
    modem_control = 4,
    line_status = 5,
    modem_status = 6,
    scratch = 7
};
constexpr uint8_t receive_interrupt = 1, transmit_interrupt = 2, line_interrupt = 4, modem_interrupt = 8;
constexpr uint8_t data_bits_8 = 3, two_stop_bits = 4, parity_enable = 8, even_parity = 0x10, set_break = 0x40,
                  divisor_latch = 0x80; // line control
constexpr uint8_t data_terminal_ready = 1, request_to_send = 2, out_1 = 4, out_2 = 8,
                  loopback = 0x10; // modem control
constexpr uint8_t data_ready = 1, overrun_error = 2, parity_error = 4, framing_error = 8,
                  break_interrupt = 0x10, holding_empty = 0x20, transmitter_empty = 0x40,
                  error_in_fifo = 0x80; // line status
constexpr uint8_t clear_to_send = 0x10, data_set_ready = 0x20, ring_indicator = 0x40,
                  data_carrier_detect = 0x80; // modem status; a change of each four bits below
constexpr uint8_t none_pending = 1, id_modem = 0, id_transmit = 2, id_receive = 4, id_line = 6,
                  id_timeout = 12, id_fifo = 0xC0;

// The 1.8432 MHz crystal over 16: a divisor of 1 is 115,200 baud.
constexpr uint64_t divisor_1_baud = 115'200;
// As firmware leaves it, with 8 data bits (the data sheet's reset: an undefined divisor and 5 bits).
constexpr uint16_t divisor_9600_baud = 12;

} // namespace

Picoseconds Uart::frame_time() const {
    const bool parity = line_control_ & parity_enable, two_stops = line_control_ & two_stop_bits;
    const unsigned bits = 1 + data_bits() + parity + 1 + two_stops;
    const uint64_t divisor = divisor_ == 0 ? 65'536 : divisor_;
    return bits * divisor * ps_per_second / divisor_1_baud;
}

size_t Uart::trigger_level() const {
    if (!fifo_enabled_)
        return 1;
    constexpr size_t levels[] = {1, 4, 8, 14};
    return levels[fifo_trigger_ >> 6];
}

// Four frame times without a byte coming or going.
Picoseconds Uart::receive_timeout_at() const {
    if (!fifo_enabled_ || received_.empty() || timed_out_)
        return never;
    return last_receive_ + 4 * frame_time();
}

bool Uart::listening() const {
    return set_up_ && !(modem_control_ & loopback) && received_.size() < capacity();
}

Picoseconds Uart::arrival_after(Picoseconds at) const {
    const bool at_once = habits_.instant && polled_ && received_.empty();
    return at_once ? at : at + frame_time();
}

// Loopback: CTS, DSR, RI, DCD show RTS, DTR, OUT1, OUT2; else a terminal is there and ready.
uint8_t Uart::modem_inputs() const {
    if (!(modem_control_ & loopback))
        return clear_to_send | data_set_ready | data_carrier_detect;
    return static_cast<uint8_t>((modem_control_ & request_to_send ? clear_to_send : 0) |
                                (modem_control_ & data_terminal_ready ? data_set_ready : 0) |
                                (modem_control_ & out_1 ? ring_indicator : 0) |
                                (modem_control_ & out_2 ? data_carrier_detect : 0));
}

bool Uart::loops_break() const {
    return line_control_ & set_break && modem_control_ & loopback;
}

// A break is one once it has lasted for a frame; however long, it is received once.
void Uart::follow_break(bool before) {
    if (!loops_break())
        break_at_ = never;
    else if (!before)
        break_at_ = now_ + (habits_.instant ? 0 : frame_time());
}

void Uart::feed_input(std::string_view bytes) {
    line_.insert(line_.end(), bytes.begin(), bytes.end());
    advance(now_);
}

void Uart::show_errors() {
    if (!received_.empty())
        line_errors_ |= received_.front().errors;
}

void Uart::receive(Received frame) {
    if (!fifo_enabled_)
        receive_buffer_ = frame.byte;
    if (received_.size() == capacity()) { // loopback only
        line_errors_ |= overrun_error;
        if (!fifo_enabled_)
            received_.front() = frame; // a FIFO keeps what it has
        return show_errors();
    }
    received_.push_back(frame);
    show_errors();
    last_receive_ = now_; // a timeout that has come stays until a byte is read
}

void Uart::start_frame(Picoseconds at) {
    shifting_ = transmit_.front() & word_mask();
    transmit_.pop_front();
    if (transmit_.empty())
        transmitter_empty_interrupt_ = true;
    sent_at_ = at + (habits_.instant ? 0 : frame_time());
}

void Uart::end_frame() {
    const Picoseconds at = sent_at_;
    sent_at_ = never;
    if (!(line_control_ & set_break)) { // else nothing of it was to be seen on the line
        if (modem_control_ & loopback)
            receive({shifting_, 0});
        else if (output_)
            output_(static_cast<char>(shifting_));
    }
    if (!transmit_.empty())
        start_frame(at);
}

void Uart::drain() {
    while (sent_at_ != never)
        end_frame();
    update_interrupt();
}

void Uart::send(uint8_t byte) {
    transmitter_empty_interrupt_ = false;
    update_interrupt(); // the line falls, though the byte may leave the holding register at once: the PIC needs the edge
    if (transmit_.size() == capacity())
        transmit_.pop_back(); // written over
    transmit_.push_back(byte);
    if (sent_at_ == never)
        start_frame(now_);
    advance(now_);
}

void Uart::advance(Picoseconds now) {
    while (sent_at_ <= now) {
        now_ = sent_at_;
        end_frame();
    }
    if (break_at_ <= now) {
        now_ = std::exchange(break_at_, never);
        // Neither stop bit nor, if it should be a one, parity bit.
        const bool bad_parity = (line_control_ & (parity_enable | even_parity)) == parity_enable;
        receive({0, static_cast<uint8_t>(break_interrupt | framing_error | (bad_parity ? parity_error : 0))});
    }
    if (arrives_at_ == never && !line_.empty() && listening())
        arrives_at_ = arrival_after(now);
    while (arrives_at_ <= now) {
        const Picoseconds at = arrives_at_;
        now_ = at;
        receive({static_cast<uint8_t>(line_.front() & word_mask()), 0});
        line_.pop_front();
        arrives_at_ = !line_.empty() && listening() ? arrival_after(at) : never;
    }
    now_ = now;
    if (receive_timeout_at() <= now)
        timed_out_ = true;
    update_interrupt();
}

Picoseconds Uart::next_event() const {
    Picoseconds next = std::min({sent_at_, arrives_at_, break_at_});
    if (interrupt_enable_ & receive_interrupt && received_.size() < trigger_level())
        next = std::min(next, receive_timeout_at());
    return next;
}

uint8_t Uart::interrupt_identification() const {
    const uint8_t fifo = fifo_enabled_ ? id_fifo : 0;
    if (interrupt_enable_ & line_interrupt && line_errors_)
        return fifo | id_line;
    if (interrupt_enable_ & receive_interrupt) {
        if (timed_out_) // bit 3 with bit 2, however much there is
            return fifo | id_timeout;
        if (received_.size() >= trigger_level())
            return fifo | id_receive;
    }
    if (interrupt_enable_ & transmit_interrupt && transmitter_empty_interrupt_)
        return fifo | id_transmit;
    if (interrupt_enable_ & modem_interrupt && modem_deltas_)
        return fifo | id_modem;
    return fifo | none_pending;
}

void Uart::update_interrupt() {
    const bool connected = !habits_.out2_gates_interrupt || (modem_control_ & (out_2 | loopback)) == out_2;
    interrupt.set(connected && !(interrupt_identification() & none_pending));
}

uint8_t Uart::read_data() {
    if (received_.empty())
        return fifo_enabled_ ? 0 : receive_buffer_;
    const uint8_t byte = received_.front().byte;
    received_.pop_front();
    show_errors();
    last_receive_ = now_;
    timed_out_ = false;
    polled_ = !(interrupt_enable_ & receive_interrupt);
    return byte;
}

uint8_t Uart::read_line_status() {
    const bool flawed = fifo_enabled_ && std::ranges::any_of(received_, &Received::errors);
    const auto value = static_cast<uint8_t>(
        (received_.empty() ? 0 : data_ready) | line_errors_ | (transmit_.empty() ? holding_empty : 0) |
        (transmit_.empty() && sent_at_ == never ? transmitter_empty : 0) | (flawed ? error_in_fifo : 0));
    line_errors_ = 0;
    if (!received_.empty())
        received_.front().errors = 0;
    if (!(line_control_ & divisor_latch))
        set_up_ = true; // polls the port, perhaps as the firmware left it
    return value;
}

uint8_t Uart::read_modem_status() {
    const uint8_t value = modem_inputs() | modem_deltas_;
    modem_deltas_ = 0;
    return value;
}

uint32_t Uart::read(uint32_t offset, unsigned) {
    uint8_t value = 0;
    const bool latch = line_control_ & divisor_latch;
    switch (offset) {
    case data:
        value = latch ? static_cast<uint8_t>(divisor_) : read_data();
        break;
    case interrupt_enable:
        value = latch ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_;
        break;
    case identification:
        value = interrupt_identification();
        if ((value & 0x0F) == id_transmit)
            transmitter_empty_interrupt_ = false; // reading its identification ends it
        break;
    case line_control:
        value = line_control_;
        break;
    case modem_control:
        value = modem_control_;
        break;
    case line_status:
        value = read_line_status();
        break;
    case modem_status:
        value = read_modem_status();
        break;
    default:
        value = scratch_;
        break;
    }
    advance(now_); // there may be room for the next byte now
    return value;
}

void Uart::write_interrupt_enable(uint8_t byte) {
    // Enabling it while the holding register is empty raises it at once.
    if (byte & ~interrupt_enable_ & transmit_interrupt && transmit_.empty())
        transmitter_empty_interrupt_ = true;
    interrupt_enable_ = byte & 0x0F;
    if (interrupt_enable_ & receive_interrupt)
        polled_ = false;
}

void Uart::write_fifo_control(uint8_t byte) {
    if (((byte & 1) != 0) != fifo_enabled_ || byte & 2) {
        received_.clear();
        timed_out_ = false;
    }
    if (((byte & 1) != 0) != fifo_enabled_ || byte & 4)
        transmit_.clear();
    fifo_enabled_ = byte & 1;
    fifo_trigger_ = byte & 0xC0;
    polled_ = false;
}

void Uart::write_line_control(uint8_t byte) {
    const bool broken = loops_break();
    line_control_ = byte;
    set_up_ = !(byte & divisor_latch);
    polled_ = false;
    follow_break(broken);
}

void Uart::write_modem_control(uint8_t byte) {
    const bool broken = loops_break();
    const uint8_t before = modem_inputs();
    modem_control_ = byte & 0x1F;
    const uint8_t after = modem_inputs();
    const int changed = (before ^ after) & ~(after & ring_indicator); // of RI the trailing edge only
    modem_deltas_ |= static_cast<uint8_t>(changed >> 4);
    if (modem_control_ & loopback)
        arrives_at_ = never; // the frame begins anew when the line is connected again
    follow_break(broken);
}

void Uart::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    const bool latch = line_control_ & divisor_latch;
    switch (offset) {
    case data:
        if (latch)
            divisor_ = static_cast<uint16_t>((divisor_ & 0xFF00) | byte);
        else
            send(byte);
        break;
    case interrupt_enable:
        if (latch)
            divisor_ = static_cast<uint16_t>((divisor_ & 0x00FF) | byte << 8);
        else
            write_interrupt_enable(byte);
        break;
    case identification:
        write_fifo_control(byte);
        break;
    case line_control:
        write_line_control(byte);
        break;
    case modem_control:
        write_modem_control(byte);
        break;
    case scratch:
        scratch_ = byte;
        break;
    default:
        break; // status registers are read-only
    }
    advance(now_);
}

void Uart::power_cycle(Picoseconds now) {
    received_.clear();
    transmit_.clear();
    sent_at_ = arrives_at_ = break_at_ = never;
    now_ = last_receive_ = now;
    transmitter_empty_interrupt_ = timed_out_ = set_up_ = polled_ = false;
    interrupt_enable_ = modem_control_ = scratch_ = receive_buffer_ = line_errors_ = modem_deltas_ = 0;
    divisor_ = divisor_9600_baud;
    line_control_ = data_bits_8;
    fifo_enabled_ = false;
    fifo_trigger_ = 0;
    update_interrupt();
}

} // namespace fixpoint::models
