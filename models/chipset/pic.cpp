#include "models/chipset/pic.hpp"

#include <cassert>

namespace fixpoint::models {
namespace {

constexpr uint8_t bit(unsigned line) {
    return static_cast<uint8_t>(1u << line);
}

// Lines that may be level-sensitive: 0, 1, 2, 8 and 13 never (PIIX3 data sheet, ELCR1, ELCR2).
constexpr uint8_t elcr_writable[] = {0xF8, 0xDE};

} // namespace

void InterruptController::power_cycle() {
    const uint8_t lines = lines_;
    *this = InterruptController{master_};
    lines_ = lines; // what is on the wires stays; no edge has been seen
}

void InterruptController::set_line(unsigned line, bool level) {
    const uint8_t mask = bit(line);
    const bool was = lines_ & mask;
    lines_ = static_cast<uint8_t>(level ? lines_ | mask : lines_ & ~mask);
    if (!level)
        request_ = static_cast<uint8_t>(request_ & ~mask);
    else if (!was || level_sensitive_ & mask)
        request_ = static_cast<uint8_t>(request_ | mask);
}

void InterruptController::set_level_sensitive(uint8_t lines) {
    level_sensitive_ = lines;
    request_ = static_cast<uint8_t>(request_ | (lines_ & lines));
}

int InterruptController::highest(uint8_t lines) const {
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned line = (highest_priority_ + i) % 8;
        if (lines & bit(line))
            return static_cast<int>(line);
    }
    return -1;
}

int InterruptController::pending_line() const {
    const int wanted = highest(static_cast<uint8_t>(request_ & ~mask_));
    if (wanted < 0)
        return -1;
    uint8_t inhibiting = in_service_;
    if (special_mask_) // masked lines in service inhibit nobody
        inhibiting = static_cast<uint8_t>(inhibiting & ~mask_);
    const int served = highest(inhibiting);
    if (served < 0)
        return wanted;
    const auto rank = [&](int line) { return (static_cast<unsigned>(line) + 8 - highest_priority_) % 8; };
    // The slave asks again for what has a higher priority there, which passes in special fully nested mode.
    const bool nested = special_fully_nested_ && master_ && wanted == 2 && served == 2;
    return nested || rank(wanted) < rank(served) ? wanted : -1;
}

unsigned InterruptController::acknowledge() {
    const int line = pending_line();
    if (line < 0)
        return 7;
    const auto served = static_cast<unsigned>(line);
    if (!(level_sensitive_ & bit(served)))
        request_ = static_cast<uint8_t>(request_ & ~bit(served));
    if (!automatic_eoi_)
        in_service_ = static_cast<uint8_t>(in_service_ | bit(served));
    else if (rotate_on_automatic_eoi_)
        highest_priority_ = (served + 1) % 8;
    return served;
}

uint8_t InterruptController::read(unsigned address) {
    if (poll_) { // a read after the poll command is an acknowledge
        poll_ = false;
        const bool asks = output();
        const unsigned line = acknowledge();
        return static_cast<uint8_t>(asks ? 0x80 | line : 0);
    }
    if (address == 1)
        return mask_;
    return read_in_service_ ? in_service_ : request_;
}

void InterruptController::initialise(uint8_t icw1) {
    request_ = static_cast<uint8_t>(lines_ & level_sensitive_);
    in_service_ = mask_ = 0;
    highest_priority_ = 0;
    automatic_eoi_ = rotate_on_automatic_eoi_ = special_mask_ = special_fully_nested_ = false;
    read_in_service_ = poll_ = false;
    single_ = icw1 & 2;
    icw4_follows_ = icw1 & 1;
    next_icw_ = 2;
}

void InterruptController::end_of_interrupt(uint8_t command) {
    const unsigned level = command & 7;
    const unsigned operation = command >> 5;
    const auto end = [&](unsigned line, bool rotate) {
        in_service_ = static_cast<uint8_t>(in_service_ & ~bit(line));
        if (rotate)
            highest_priority_ = (line + 1) % 8;
    };
    switch (operation) {
    case 0:
    case 4:
        rotate_on_automatic_eoi_ = operation == 4;
        break;
    case 1:   // non-specific
    case 5: { // and rotate
        uint8_t candidates = in_service_;
        if (special_mask_)
            candidates = static_cast<uint8_t>(candidates & ~mask_);
        if (const int line = highest(candidates); line >= 0)
            end(static_cast<unsigned>(line), operation == 5);
        break;
    }
    case 3:
        end(level, false);
        break;
    case 7:
        end(level, true);
        break;
    case 6:
        highest_priority_ = (level + 1) % 8;
        break;
    default:
        break; // 2: no operation
    }
}

void InterruptController::write(unsigned address, uint8_t value) {
    if (address == 0) {
        if (value & 0x10) {
            initialise(value);
        } else if (value & 0x08) { // OCW3
            poll_ = value & 4;
            if (value & 2)
                read_in_service_ = value & 1;
            if (value & 0x40)
                special_mask_ = value & 0x20;
        } else {
            end_of_interrupt(value);
        }
        return;
    }
    switch (next_icw_) {
    case 2:
        base_ = value & 0xF8;
        next_icw_ = !single_ ? 3 : icw4_follows_ ? 4 : 0;
        break;
    case 3:
        next_icw_ = icw4_follows_ ? 4 : 0;
        break; // the cascade is wired
    case 4:
        automatic_eoi_ = value & 2;
        special_fully_nested_ = value & 0x10;
        next_icw_ = 0;
        break;
    default:
        mask_ = value;
        break;
    }
}

void Pic::update() {
    master_.set_line(cascade_line, slave_.output());
    interrupt.set(master_.output());
}

void Pic::set_irq(unsigned irq, bool level) {
    assert(irq < 16 && irq != cascade_line);
    if (irq < 8)
        master_.set_line(irq, level);
    else
        slave_.set_line(irq - 8, level);
    update();
}

uint8_t Pic::acknowledge() {
    const unsigned line = master_.acknowledge();
    uint8_t vector = static_cast<uint8_t>(master_.base() | line);
    if (line == cascade_line) {
        vector = static_cast<uint8_t>(slave_.base() | slave_.acknowledge());
        // The slave's output falls during INTA, so that a further request of it is a new edge.
        master_.set_line(cascade_line, false);
    }
    update();
    return vector;
}

uint32_t Pic::read(uint32_t offset, unsigned) {
    uint8_t value = 0xFF;
    if (offset < slave_offset)
        value = master_.read(offset);
    else if (offset < elcr_offset)
        value = slave_.read(offset - slave_offset);
    else
        value = offset == elcr_offset ? master_.level_sensitive() : slave_.level_sensitive();
    update(); // a poll may have acknowledged
    return value;
}

void Pic::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    if (offset < slave_offset)
        master_.write(offset, byte);
    else if (offset < elcr_offset)
        slave_.write(offset - slave_offset, byte);
    else if (offset == elcr_offset)
        master_.set_level_sensitive(byte & elcr_writable[0]);
    else
        slave_.set_level_sensitive(byte & elcr_writable[1]);
    update();
}

void Pic::power_cycle(Picoseconds) {
    master_.power_cycle();
    slave_.power_cycle();
    update();
}

} // namespace fixpoint::models
