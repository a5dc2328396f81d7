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
    edge_sense_ = static_cast<uint8_t>(~lines);
}

void InterruptController::set_line(unsigned line, bool level) {
    const uint8_t mask = bit(line);
    lines_ = static_cast<uint8_t>(level ? lines_ | mask : lines_ & ~mask);
    if (!level)
        edge_sense_ = static_cast<uint8_t>(edge_sense_ | mask);
    follow_lines();
}

void InterruptController::set_level_sensitive(uint8_t lines) {
    level_sensitive_ = lines;
    follow_lines();
}

// Between a poll command and its read the requests are frozen (data sheet, Poll Command).
void InterruptController::follow_lines() {
    if (!polled_)
        request_ = static_cast<uint8_t>(lines_ & (level_sensitive_ | edge_sense_));
}

std::optional<unsigned> InterruptController::highest(uint8_t lines) const {
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned line = (highest_priority_ + i) % 8;
        if (lines & bit(line))
            return line;
    }
    return std::nullopt;
}

std::optional<unsigned> InterruptController::pending_line() const {
    const auto wanted = highest(static_cast<uint8_t>(request_ & ~mask_));
    if (!wanted)
        return std::nullopt;
    uint8_t inhibiting = in_service_;
    if (special_mask_) // masked lines in service inhibit nobody
        inhibiting = static_cast<uint8_t>(inhibiting & ~mask_);
    const auto served = highest(inhibiting);
    if (!served)
        return wanted;
    const auto rank = [&](unsigned line) { return (line + 8 - highest_priority_) % 8; };
    // The slave asks again for what has a higher priority there, which passes in special fully nested mode.
    const bool nested = special_fully_nested_ && master_ && wanted == 2 && served == 2;
    return nested || rank(*wanted) < rank(*served) ? wanted : std::nullopt;
}

std::optional<unsigned> InterruptController::begin_acknowledge() {
    const auto line = pending_line();
    if (line) {
        in_service_ = static_cast<uint8_t>(in_service_ | bit(*line));
        request_ = static_cast<uint8_t>(request_ & ~bit(*line));
        if (lines_ & bit(*line))
            edge_sense_ = static_cast<uint8_t>(edge_sense_ & ~bit(*line));
        follow_lines();
    }
    return line;
}

void InterruptController::end_acknowledge(std::optional<unsigned> line) {
    polled_ = false;
    if (line && automatic_eoi_) {
        in_service_ = static_cast<uint8_t>(in_service_ & ~bit(*line));
        if (rotate_on_automatic_eoi_)
            highest_priority_ = (*line + 1) % 8;
    }
    follow_lines();
}

uint8_t InterruptController::read(unsigned address) const {
    if (address == 1)
        return mask_;
    return read_in_service_ ? in_service_ : request_;
}

void InterruptController::initialise(uint8_t icw1) {
    edge_sense_ = static_cast<uint8_t>(~lines_);
    in_service_ = mask_ = 0;
    highest_priority_ = 0;
    automatic_eoi_ = rotate_on_automatic_eoi_ = special_mask_ = special_fully_nested_ = false;
    read_in_service_ = polled_ = false;
    follow_lines();
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
        if (const auto line = highest(candidates))
            end(*line, operation == 5);
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
            polled_ = value & 4;
            if (value & 2)
                read_in_service_ = value & 1;
            if (value & 0x40)
                special_mask_ = value & 0x20;
            follow_lines();
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
    constexpr unsigned spurious_line = 7;
    const auto line = master_.begin_acknowledge();
    // A single 8259A gives the vectors of all its lines (ICW1, SNGL).
    const bool cascaded = line == cascade_line && !master_.single();
    const auto slave_line = cascaded ? slave_.begin_acknowledge() : std::nullopt;
    update();
    master_.end_acknowledge(line);
    if (cascaded)
        slave_.end_acknowledge(slave_line);
    update();
    return static_cast<uint8_t>(cascaded ? slave_.base() | slave_line.value_or(spurious_line)
                                         : master_.base() | line.value_or(spurious_line));
}

uint8_t Pic::poll(InterruptController& chip) {
    const auto line = chip.begin_acknowledge();
    update();
    chip.end_acknowledge(line);
    update();
    return static_cast<uint8_t>(line ? 0x80 | *line : 0);
}

uint32_t Pic::read(uint32_t offset, unsigned) {
    if (offset >= elcr_offset)
        return offset == elcr_offset ? master_.level_sensitive() : slave_.level_sensitive();
    InterruptController& chip = offset < slave_offset ? master_ : slave_;
    return chip.polled() ? poll(chip) : chip.read(offset % slave_offset);
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
