// The 8259A pair of a PC as the data sheet (231468) tells it, cell by cell: master, slave at its input 2, and the ELCR of
// the 82371SB (290550) in place of LTIM. Slow and literal, and written without the model, which is compared with it.
//
// What an emulator is known to do otherwise are deviations, each with a switch: the same steps with and without one
// show where it can be seen. QEMU (hw/intc/i8259.c) has all of them. Not here, as without effect in a PC: vectors of the
// 8080 mode, the buffered mode, and ICW3 (the cascade is wired).
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>

namespace fixpoint::models {

enum class PicDeviation : uint8_t {
    keeps_withdrawn, // an edge-sensitive input's request stays when the input falls before the acknowledge
    eoi_of_masked,   // a non-specific EOI ends masked levels in special mask mode, too
    nested_without_slave, // special fully nested mode: the slave's level in service holds back nobody
    late_output, // the output is looked at when a request, the mask or what is in service changes only
    late_elcr,   // an input's trigger mode acts when the input changes, at ICW1 and at the acknowledge only
    forgets_inputs, // ICW1 takes all inputs as low, so that the next look at one that is high is an edge
    steady_output, // the output does not fall in the acknowledge if an automatic EOI lets another level follow
    polls_unfrozen, // requests go on changing between the poll command and the read
};
inline constexpr std::array<std::string_view, 8> pic_deviation_names = {
    "keeps_withdrawn", "eoi_of_masked",  "nested_without_slave", "late_output",
    "late_elcr",       "forgets_inputs", "steady_output",        "polls_unfrozen"};
using PicDeviations = std::bitset<pic_deviation_names.size()>;

class PicChipReference {
public:
    static constexpr unsigned cascade = 2;

    PicChipReference(bool master, PicDeviations deviations) : master_{master}, deviations_{deviations} {
        std::iota(order_.begin(), order_.end(), 0u);
    }

    void set_input(unsigned line, bool high) {
        Cell& cell = cells_.at(line);
        if (high) {
            cell.elcr_acts = cell.level_sensitive || (cell.input && cell.elcr_acts);
            cell.edge_sense |=
                cell.forgotten && !cell.level_sensitive && deviates(PicDeviation::forgets_inputs);
        } else {
            cell.withdrawn = !cell.level_sensitive && (cell.withdrawn || (cell.input && cell.request));
            cell.edge_sense = true;
        }
        cell.input = high;
        cell.forgotten = false;
        act(true);
    }
    void set_level_sensitive(uint8_t lines) {
        for (unsigned line = 0; line < cells_.size(); ++line)
            cells_[line].level_sensitive = lines >> line & 1;
        act(false);
    }

    void write(unsigned a0, uint8_t value) {
        if (a0 == 0 && value & 0x10)
            write_icw1(value);
        else if (a0 == 0 && value & 0x08)
            write_ocw3(value);
        else if (a0 == 0)
            act(write_ocw2(value >> 5, value & 7));
        else if (next_icw_ != 0)
            write_icw(value);
        else
            write_ocw1(value);
    }
    [[nodiscard]] bool polled() const { return polled_; }
    [[nodiscard]] uint8_t read(unsigned a0) const {
        return a0 == 1 ? mask() : reads_in_service_ ? in_service() : request();
    }

    // Interrupt Sequence: the first pulse, or the beginning of the read after a poll command, puts the level in service
    // and clears its request. Nothing: no level asks.
    std::optional<unsigned> begin_acknowledge() {
        const std::optional<unsigned> line = asking();
        if (line) {
            Cell& cell = cells_.at(*line);
            cell.in_service = true;
            cell.request = false;
            cell.edge_sense = !cell.input;
            cell.elcr_acts = cell.level_sensitive;
            cell.withdrawn = cell.withdrawn && cell.level_sensitive;
            if (!automatic_eoi_ || !deviates(PicDeviation::steady_output))
                act(true);
        }
        return line;
    }
    // The last pulse's end. Automatic End of Interrupt Mode: there the level ends.
    void end_acknowledge(std::optional<unsigned> line) {
        polled_ = false;
        if (line && automatic_eoi_) {
            cells_.at(*line).in_service = false;
            if (rotates_on_automatic_eoi_)
                make_lowest(*line);
        }
        act(line.has_value());
    }

    [[nodiscard]] bool output() const { return output_; }
    [[nodiscard]] unsigned rises() const { return rises_; } // of the output, so far
    // Whether the output has been looked at since this was asked the last time.
    bool take_looked() {
        const bool looked = looked_;
        looked_ = false;
        return looked;
    }
    [[nodiscard]] uint8_t base() const { return base_; }
    [[nodiscard]] bool single() const { return single_; }
    [[nodiscard]] uint8_t request() const { return gather(&Cell::request); }
    [[nodiscard]] uint8_t in_service() const { return gather(&Cell::in_service); }
    [[nodiscard]] uint8_t mask() const { return gather(&Cell::masked); }
    [[nodiscard]] uint8_t level_sensitive() const { return gather(&Cell::level_sensitive); }
    // Inputs whose request has gone with them, not acknowledged since.
    [[nodiscard]] uint8_t withdrawn() const { return gather(&Cell::withdrawn); }

private:
    // Figure 9, Priority Cell: the edge sense latch is set by a low input and cleared when the level comes into service
    // and by ICW1; the request latch follows, but for the freeze.
    struct Cell {
        bool input = false, edge_sense = true, request = false, in_service = false;
        bool masked = true; // a PC's is silent until it is programmed
        bool level_sensitive = false;
        bool withdrawn = false; // the request has gone with the input
        bool elcr_acts = false; // late_elcr: the input is taken as level-sensitive
        bool forgotten = false; // forgets_inputs: high at ICW1, and unchanged since
    };

    [[nodiscard]] bool deviates(PicDeviation one) const { return deviations_[static_cast<size_t>(one)]; }
    [[nodiscard]] uint8_t gather(bool Cell::*member) const {
        unsigned bits = 0;
        for (unsigned line = 0; line < cells_.size(); ++line)
            bits |= unsigned{cells_[line].*member} << line;
        return static_cast<uint8_t>(bits);
    }

    // Poll Command: the interrupt is frozen from the write to the read. True: a request has changed.
    bool follow_inputs() {
        if (polled_ && !deviates(PicDeviation::polls_unfrozen))
            return false;
        const uint8_t before = request();
        for (Cell& cell : cells_) {
            const bool level = deviates(PicDeviation::late_elcr) ? cell.elcr_acts : cell.level_sensitive;
            const bool kept = cell.withdrawn && deviates(PicDeviation::keeps_withdrawn);
            cell.request = (cell.input && (level || cell.edge_sense)) || kept;
        }
        return request() != before;
    }
    // `looks`: the step is one after which an emulator that is late looks at the output, too.
    void act(bool looks) {
        const bool changed = follow_inputs();
        if (!changed && !looks && deviates(PicDeviation::late_output))
            return;
        const bool before = output_;
        output_ = asking().has_value();
        rises_ += output_ && !before ? 1 : 0;
        looked_ = true;
    }

    // Fully Nested Mode, Special Mask Mode, Special Fully Nested Mode: from the highest priority down.
    [[nodiscard]] std::optional<unsigned> asking() const {
        for (const unsigned line : order_) {
            const Cell& cell = cells_.at(line);
            const bool asks = cell.request && !cell.masked;
            const bool slave_nests = special_fully_nested_ && master_ && line == cascade;
            const bool serves = cell.in_service && !(special_mask_ && cell.masked) &&
                                !(slave_nests && deviates(PicDeviation::nested_without_slave));
            if (asks && (!serves || slave_nests))
                return line;
            if (serves)
                return std::nullopt;
        }
        return std::nullopt;
    }
    // Automatic Rotation, Specific Rotation: the others follow in a circle.
    void make_lowest(unsigned line) {
        const auto place = std::find(order_.begin(), order_.end(), line);
        std::rotate(order_.begin(), place + 1, order_.end());
    }

    // Initialization Command Words 1 and 2: a to f. What ICW4 selects is off until it comes, in any case.
    void write_icw1(uint8_t value) {
        for (Cell& cell : cells_) {
            cell.elcr_acts = cell.level_sensitive && cell.request && cell.input;
            cell.edge_sense = !cell.input;
            cell.forgotten = cell.input;
            cell.withdrawn = cell.withdrawn && cell.level_sensitive;
            cell.in_service = cell.masked = false;
        }
        std::iota(order_.begin(), order_.end(), 0u);
        special_mask_ = reads_in_service_ = polled_ = false;
        automatic_eoi_ = rotates_on_automatic_eoi_ = special_fully_nested_ = false;
        single_ = value & 2;
        has_icw4_ = value & 1;
        next_icw_ = 2;
        act(true);
    }
    void write_icw(uint8_t value) {
        switch (next_icw_) {
        case 2:
            base_ = value & 0xF8;
            next_icw_ = single_ ? 4 : 3;
            break;
        case 3:
            next_icw_ = 4;
            break;
        default:
            special_fully_nested_ = value & 0x10;
            automatic_eoi_ = value & 2;
            next_icw_ = 0;
        }
        if (next_icw_ == 4 && !has_icw4_)
            next_icw_ = 0;
        act(false);
    }
    void write_ocw1(uint8_t value) {
        for (unsigned line = 0; line < cells_.size(); ++line)
            cells_[line].masked = value >> line & 1;
        act(true);
    }
    // Operation Control Word 2, figure 8. True: a level has ended, or priorities have changed.
    bool write_ocw2(unsigned r_sl_eoi, unsigned level) {
        switch (r_sl_eoi) {
        case 0b001: // non-specific EOI
        case 0b101: // rotate on non-specific EOI
            return end_highest(r_sl_eoi == 0b101);
        case 0b011: // specific EOI
            cells_.at(level).in_service = false;
            return true;
        case 0b111: // rotate on specific EOI
            cells_.at(level).in_service = false;
            make_lowest(level);
            return true;
        case 0b110: // set priority
            make_lowest(level);
            return true;
        case 0b100: // rotate in automatic EOI mode: set
        case 0b000: // clear
            rotates_on_automatic_eoi_ = r_sl_eoi == 0b100;
            return false;
        default: // 010: no operation
            return false;
        }
    }
    // End of Interrupt: a masked level is not cleared by a non-specific EOI in special mask mode.
    bool end_highest(bool rotates) {
        for (const unsigned line : order_) {
            Cell& cell = cells_.at(line);
            const bool spared = special_mask_ && cell.masked && !deviates(PicDeviation::eoi_of_masked);
            if (!cell.in_service || spared)
                continue;
            cell.in_service = false;
            if (rotates)
                make_lowest(line);
            return true;
        }
        return false;
    }
    void write_ocw3(uint8_t value) {
        polled_ = value & 4;
        if (value & 2)
            reads_in_service_ = value & 1;
        if (value & 0x40)
            special_mask_ = value & 0x20;
        act(false);
    }

    bool master_;
    PicDeviations deviations_;
    std::array<Cell, 8> cells_;
    std::array<unsigned, 8> order_{}; // of priority, the highest first
    bool output_ = false, looked_ = false;
    unsigned rises_ = 0;
    unsigned next_icw_ = 0; // 2 to 4; 0: initialised
    bool single_ = false, has_icw4_ = false;
    uint8_t base_ = 0;
    bool automatic_eoi_ = false, rotates_on_automatic_eoi_ = false, special_fully_nested_ = false;
    bool special_mask_ = false, reads_in_service_ = false, polled_ = false;
};

class PicReference {
public:
    explicit PicReference(PicDeviations deviations = {})
        : master_{true, deviations}, slave_{false, deviations} {}

    void set_irq(unsigned irq, bool high) {
        (irq < 8 ? master_ : slave_).set_input(irq % 8, high);
        connect();
    }
    // Ports 20h, 21h; A0h, A1h; 4D0h, 4D1h. Others are nobody's.
    void write(uint32_t port, uint8_t value) {
        // ELCR1, ELCR2: IRQ 0, 1, 2, 8 and 13 are edge-sensitive always.
        if (port == 0x4D0)
            master_.set_level_sensitive(value & 0xF8);
        else if (port == 0x4D1)
            slave_.set_level_sensitive(value & 0xDE);
        else if (PicChipReference* chip = chip_at(port))
            chip->write(port & 1, value);
        connect();
    }
    uint8_t read(uint32_t port) {
        PicChipReference* chip = chip_at(port);
        if (chip != nullptr && chip->polled())
            return poll(*chip);
        if (chip != nullptr)
            return chip->read(port & 1);
        return port == 0x4D0 ? master_.level_sensitive() : port == 0x4D1 ? slave_.level_sensitive() : 0xFF;
    }
    // The processor's acknowledge: the vector. A single 8259A answers for all its inputs itself.
    uint8_t acknowledge() {
        constexpr unsigned spurious = 7;
        const std::optional<unsigned> line = master_.begin_acknowledge();
        if (line != PicChipReference::cascade || master_.single()) {
            connect();
            master_.end_acknowledge(line);
            connect();
            return static_cast<uint8_t>(master_.base() | line.value_or(spurious));
        }
        const std::optional<unsigned> slave_line = slave_.begin_acknowledge();
        connect();
        master_.end_acknowledge(line);
        slave_.end_acknowledge(slave_line);
        connect();
        return static_cast<uint8_t>(slave_.base() | slave_line.value_or(spurious));
    }

    [[nodiscard]] const PicChipReference& master() const { return master_; }
    [[nodiscard]] const PicChipReference& slave() const { return slave_; }

private:
    PicChipReference* chip_at(uint32_t port) {
        return (port & ~1u) == 0x20 ? &master_ : (port & ~1u) == 0xA0 ? &slave_ : nullptr;
    }
    // Poll Command: the read is an acknowledge. Without a request the level means nothing, and is 0.
    uint8_t poll(PicChipReference& chip) {
        const std::optional<unsigned> line = chip.begin_acknowledge();
        connect();
        chip.end_acknowledge(line);
        connect();
        return static_cast<uint8_t>(line ? 0x80 | *line : 0);
    }
    void connect() {
        if (slave_.take_looked())
            master_.set_input(PicChipReference::cascade, slave_.output());
    }

    PicChipReference master_, slave_;
};

} // namespace fixpoint::models
