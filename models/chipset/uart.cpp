#include "models/chipset/uart.hpp"

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
constexpr uint8_t receive_interrupt = 1, transmit_interrupt = 2, line_interrupt = 4; // interrupt enable
constexpr uint8_t divisor_latch = 0x80;                                              // line control
constexpr uint8_t loopback = 0x10, out_2 = 0x08;                                     // modem control
constexpr uint8_t data_ready = 1, overrun_error = 2, holding_empty = 0x20,
                  transmitter_empty = 0x40; // line status
constexpr uint8_t none_pending = 1, id_transmit = 2, id_receive = 4, id_line = 6, id_timeout = 12,
                  id_fifo = 0xC0;

// The 1.8432 MHz crystal over 16: a divisor of 1 is 115,200 baud.
constexpr uint64_t divisor_1_baud = 115'200;
constexpr uint16_t divisor_9600_baud = 12; // as firmware leaves it

} // namespace

Picoseconds Uart::frame_time() const {
    const unsigned data_bits = 5 + (line_control_ & 3);
    const bool parity = line_control_ & 8, two_stops = line_control_ & 4;
    const unsigned bits = 1 + data_bits + parity + 1 + two_stops;
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

void Uart::feed_input(std::string_view bytes) {
    line_.insert(line_.end(), bytes.begin(), bytes.end());
    advance(now_);
}

void Uart::receive(uint8_t byte) {
    if (!fifo_enabled_)
        receive_buffer_ = byte;
    if (received_.size() == capacity()) { // loopback only
        overrun_ = true;
        if (!fifo_enabled_)
            received_.front() = byte; // a FIFO keeps what it has
        return;
    }
    received_.push_back(byte);
    last_receive_ = now_; // a timeout that has come stays until a byte is read
}

void Uart::start_frame(Picoseconds at) {
    shifting_ = transmit_.front();
    transmit_.pop_front();
    if (transmit_.empty())
        transmitter_empty_interrupt_ = true;
    sent_at_ = at + (habits_.instant ? 0 : frame_time());
}

void Uart::end_frame() {
    const Picoseconds at = sent_at_;
    sent_at_ = never;
    if (modem_control_ & loopback)
        receive(shifting_);
    else if (output_)
        output_(static_cast<char>(shifting_));
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
    while (sent_at_ <= now)
        end_frame();
    while (arrives_at_ <= now) {
        const Picoseconds at = arrives_at_;
        now_ = at;
        receive(line_.front());
        line_.pop_front();
        arrives_at_ = !line_.empty() && listening() ? at + frame_time() : never;
    }
    now_ = now;
    if (arrives_at_ == never && !line_.empty() && listening())
        arrives_at_ = now + frame_time();
    if (receive_timeout_at() <= now)
        timed_out_ = true;
    update_interrupt();
}

Picoseconds Uart::next_event() const {
    Picoseconds next = std::min(sent_at_, arrives_at_);
    if (interrupt_enable_ & receive_interrupt && received_.size() < trigger_level())
        next = std::min(next, receive_timeout_at());
    return next;
}

uint8_t Uart::interrupt_identification() const {
    const uint8_t fifo = fifo_enabled_ ? id_fifo : 0;
    if (interrupt_enable_ & line_interrupt && overrun_)
        return fifo | id_line;
    if (interrupt_enable_ & receive_interrupt) {
        if (timed_out_) // bit 3 with bit 2, however much there is
            return fifo | id_timeout;
        if (received_.size() >= trigger_level())
            return fifo | id_receive;
    }
    if (interrupt_enable_ & transmit_interrupt && transmitter_empty_interrupt_)
        return fifo | id_transmit;
    return fifo | none_pending;
}

void Uart::update_interrupt() {
    const bool connected = !habits_.out2_gates_interrupt || (modem_control_ & (out_2 | loopback)) == out_2;
    interrupt.set(connected && !(interrupt_identification() & none_pending));
}

uint32_t Uart::read(uint32_t offset, unsigned) {
    uint8_t value = 0;
    switch (offset) {
    case data:
        if (line_control_ & divisor_latch) {
            value = static_cast<uint8_t>(divisor_);
        } else if (!received_.empty()) {
            value = received_.front();
            received_.pop_front();
            last_receive_ = now_;
            timed_out_ = false;
        } else if (!fifo_enabled_) {
            value = receive_buffer_;
        }
        break;
    case interrupt_enable:
        value = line_control_ & divisor_latch ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_;
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
        value = static_cast<uint8_t>((received_.empty() ? 0 : data_ready) | (overrun_ ? overrun_error : 0) |
                                     (transmit_.empty() ? holding_empty : 0) |
                                     (transmit_.empty() && sent_at_ == never ? transmitter_empty : 0));
        overrun_ = false;
        if (!set_up_ && !(line_control_ & divisor_latch)) { // polls the port as the firmware left it
            set_up_ = true;
            advance(now_);
        }
        break;
    case modem_status:
        // Loopback: CTS, DSR, RI, DCD show RTS, DTR, OUT1, OUT2; else a terminal is there and ready.
        value = modem_control_ & loopback
                    ? static_cast<uint8_t>((modem_control_ & 2) << 3 | (modem_control_ & 1) << 5 |
                                           (modem_control_ & 4) << 4 | (modem_control_ & 8) << 4)
                    : 0xB0;
        break;
    default:
        value = scratch_;
        break;
    }
    advance(now_); // there may be room for the next byte now
    return value;
}

void Uart::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    switch (offset) {
    case data:
        if (line_control_ & divisor_latch)
            divisor_ = static_cast<uint16_t>((divisor_ & 0xFF00) | byte);
        else
            send(byte);
        break;
    case interrupt_enable:
        if (line_control_ & divisor_latch) {
            divisor_ = static_cast<uint16_t>((divisor_ & 0x00FF) | byte << 8);
        } else {
            // Enabling it while the holding register is empty raises it at once.
            if (byte & ~interrupt_enable_ & transmit_interrupt && transmit_.empty())
                transmitter_empty_interrupt_ = true;
            interrupt_enable_ = byte & 0x0F;
        }
        break;
    case identification: // FIFO control
        if (((byte & 1) != 0) != fifo_enabled_ || byte & 2) {
            received_.clear();
            timed_out_ = false;
        }
        if (((byte & 1) != 0) != fifo_enabled_ || byte & 4)
            transmit_.clear();
        fifo_enabled_ = byte & 1;
        fifo_trigger_ = byte & 0xC0;
        break;
    case line_control:
        line_control_ = byte;
        set_up_ = !(byte & divisor_latch);
        break;
    case modem_control:
        modem_control_ = byte & 0x1F;
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
    sent_at_ = arrives_at_ = never;
    now_ = last_receive_ = now;
    transmitter_empty_interrupt_ = timed_out_ = set_up_ = overrun_ = false;
    interrupt_enable_ = line_control_ = modem_control_ = scratch_ = receive_buffer_ = 0;
    divisor_ = divisor_9600_baud;
    fifo_enabled_ = false;
    fifo_trigger_ = 0;
    update_interrupt();
}

} // namespace fixpoint::models
