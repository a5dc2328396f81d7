// Random messages through the machine of ipc/message_transfer.hpp, against a plain reference: with all pages there, with
// page faults at every step, with tiny budgets, and with a thread that changes the messages while they are transferred.
//
// A message is a Case: plain data, drawn from a seed. One that fails is shrunk before it is shown.
#include "kernel-model/ipc/message_transfer.hpp"
#include "tests/kernel/message_reference.hpp"

#include <cstdlib>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <sstream>

namespace {

using namespace message_test;
using kernel::TransferStep;
using Random = std::mt19937;

struct End {
    std::uint32_t base = 0;
    l4::MessageDope size{}; // and, of the sender, sending
    std::vector<l4::StringDope> dopes;
};

struct Case {
    End sender, receiver;
    l4::MessageDope sending{};
    std::uint32_t window = 0, w0 = 0, w1 = 0;
    std::vector<std::uint32_t> items; // from doubleword 3 on
    bool maps = false, same_space = false;
    unsigned maps_possible = 0;

    kernel::MessageEnds ends() const {
        return {.send_descriptor = sender.base | (maps ? l4::send_map : 0),
                .receive_descriptor = receiver.base,
                .w0 = w0,
                .w1 = w1,
                .same_space = same_space};
    }
};

std::ostream& operator<<(std::ostream& out, const Case& what) {
    const auto end = [&out](const char* name, const End& side) {
        out << name << " at " << side.base << ", room " << side.size.words() << " words "
            << side.size.strings() << " dopes:";
        for (const l4::StringDope& dope : side.dopes)
            out << " (" << dope.send_size << " " << dope.send_address << " " << dope.receive_size << " "
                << dope.receive_address << ")";
        out << "\n";
    };
    out << std::hex << std::showbase << "sends " << what.sending.words() << " words "
        << what.sending.strings() << " dopes" << (what.same_space ? " in one space" : "") << ", window "
        << what.window;
    if (what.maps) {
        out << ", maps " << what.w0 << " " << what.w1 << ", memory for " << what.maps_possible << ":";
        for (const std::uint32_t word : what.items)
            out << " " << word;
    }
    out << "\n";
    end("sender", what.sender);
    end("receiver", what.receiver);
    return out;
}

// --- Drawing a case

// Hands out places from a region, not overlapping, most of them close to each other.
class Arena {
public:
    Arena(Random& random, std::uint32_t start) : random_(random), next_(start) {}

    std::uint32_t take(std::uint32_t bytes, unsigned alignment) {
        next_ += random_() % 4 == 0 ? static_cast<std::uint32_t>(random_() % 3000)
                                    : static_cast<std::uint32_t>(random_() % 8);
        next_ = (next_ + alignment - 1) / alignment * alignment;
        const std::uint32_t place = next_;
        next_ += bytes;
        return place;
    }

private:
    Random& random_;
    std::uint32_t next_;
};

class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    Case draw() {
        Case drawn;
        drawn.same_space = chance(4);
        Arena of_sender(random_, arena_start()), of_receiver(random_, arena_start() + 0x01000000);
        drawn.sending = l4::MessageDope::make(words(), strings());
        drawn.maps = chance(3);
        if (drawn.maps)
            draw_items(drawn);
        draw_end(drawn.sender, of_sender, drawn.sending);
        draw_end(drawn.receiver, of_receiver, drawn.sending);
        if (chance(20))
            drawn.sender.size = {random()}; // dopes are garbage somewhere
        if (chance(20))
            drawn.receiver.size = {random()};
        if (chance(40))
            drawn.sending = {random()};
        return drawn;
    }

private:
    std::uint32_t random() { return static_cast<std::uint32_t>(random_()); }
    std::uint32_t below(std::uint32_t end) { return random() % end; }
    bool chance(unsigned one_in) { return below(one_in) == 0; }

    std::uint32_t arena_start() {
        constexpr std::uint32_t near_end = 0x8000;
        return chance(12) ? l4::user_space_end - 0x01000000 - below(near_end) : 0x10000000 + below(0x2000);
    }
    unsigned words() {
        constexpr unsigned typical[] = {0, 1, 2, 3, 4, 5, 9, 17, 40, 64};
        return chance(6) ? below(3000) : typical[below(std::size(typical))];
    }
    unsigned strings() {
        constexpr unsigned typical[] = {0, 0, 1, 1, 2, 3, 5};
        return chance(8) ? below(l4::message_strings_max + 1) : typical[below(std::size(typical))];
    }
    std::uint32_t bytes() {
        if (chance(5))
            return below(3) * l4::page_size;
        return below(chance(3) ? 12'000 : 200);
    }

    void draw_items(Case& drawn) {
        drawn.window = chance(4) ? 0 : chance(10) ? random() : l4::Fpage::make(random(), 12 + below(21)).raw;
        drawn.maps_possible = chance(6) ? below(8) : 1000;
        drawn.w0 = random();
        drawn.w1 = l4::Fpage::make(random(), 12 + below(21)).raw;
        const unsigned count = below(40);
        for (unsigned item = 0; item < count; ++item) {
            drawn.items.push_back(random());
            drawn.items.push_back(l4::Fpage::make(random(), 12 + below(21)).raw);
        }
        if (!chance(4))
            drawn.items.insert(drawn.items.end(), {0, 0});
        if (!chance(4))
            drawn.sending = l4::MessageDope::make(3 + static_cast<unsigned>(drawn.items.size()) + below(3),
                                                  drawn.sending.strings());
    }

    void draw_end(End& end, Arena& arena, l4::MessageDope sending) {
        const unsigned words = chance(5) ? below(sending.words() + 1) : sending.words() + below(3);
        const unsigned strings = chance(4) ? below(l4::message_strings_max + 1)
                                           : std::min(sending.strings() + below(3), l4::message_strings_max);
        end.size = l4::MessageDope::make(words, strings);
        const std::uint32_t room = std::max(words, sending.words());
        end.base = arena.take(12 + 4 * room + 16 * l4::message_strings_max, 4);
        const bool aligned = chance(3), scatters = chance(2);
        for (unsigned number = 0; number < strings; ++number) {
            const std::uint32_t to_send = bytes(), to_receive = chance(2) ? 12'000 : bytes();
            const unsigned alignment = aligned ? 4 : 1;
            l4::StringDope dope;
            dope.send_size = to_send | continuation(scatters);
            dope.send_address = arena.take(to_send, alignment);
            dope.receive_size = to_receive | continuation(scatters);
            dope.receive_address = arena.take(to_receive, alignment);
            if (chance(60))
                spoil(dope);
            end.dopes.push_back(dope);
        }
    }
    std::uint32_t continuation(bool scatters) {
        return scatters && chance(2) ? l4::StringDope::continues_bit : 0;
    }
    void spoil(l4::StringDope& dope) {
        switch (below(5)) {
        case 0:
            dope.send_address = l4::user_space_end + below(0x40000000);
            break;
        case 1:
            dope.receive_address = l4::user_space_end + below(0x40000000);
            break;
        case 2: // out of user space
            dope.send_address = l4::user_space_end - below(9000);
            dope.send_size = random();
            break;
        case 3:
            dope.receive_address = l4::user_space_end - below(9000);
            break;
        default: // no end; who sends it limits it
            dope.receive_size = random();
        }
    }

    Random random_;
};

World build(const Case& what) {
    World world;
    world.same_space = what.same_space;
    world.maps_possible = what.maps_possible;
    const auto put = [&world](Side side, const End& end) {
        world.space(side).set_word(end.base + 4, end.size.raw);
        for (unsigned number = 0; number < end.dopes.size(); ++number) {
            const std::uint32_t at = end.base + 12 + 4 * end.size.words() + 16 * number;
            const l4::StringDope& dope = end.dopes[number];
            world.space(side).set_word(at, dope.send_size);
            world.space(side).set_word(at + 4, dope.send_address);
            world.space(side).set_word(at + 8, dope.receive_size);
            world.space(side).set_word(at + 12, dope.receive_address);
        }
    };
    put(Side::sender, what.sender);
    world.space(Side::sender).set_word(what.sender.base + 8, what.sending.raw);
    for (unsigned number = 0; number < what.items.size(); ++number)
        world.space(Side::sender).set_word(what.sender.base + 12 + 4 * (3 + number), what.items[number]);
    put(Side::receiver, what.receiver);
    world.space(Side::receiver).set_word(what.receiver.base, what.window);
    return world;
}

// --- Driving the machine

enum class Manner { plain, faults, tiny_budgets, hostile };

class Driver {
public:
    Driver(const Case& what, Manner manner, unsigned seed)
        : what_(what), manner_(manner), random_(seed), world(build(what)) {
        progress.sending = what.sending;
        progress.sender_size = what.sender.size;
        if (manner == Manner::hostile)
            limit_sizes();
    }

    // An empty string, or what is wrong.
    std::string run() {
        const kernel::MessageEnds ends = what_.ends();
        PagedMemory memory(world);
        if (manner_ == Manner::faults)
            for (Space& space : world.spaces)
                for (auto& [number, page] : space.pages())
                    page.present = page.writable = false;
        try {
            for (;;) {
                memory.forget_checks();
                const std::uint32_t budget = next_budget();
                const TransferStep step =
                    kernel::MessageTransfer<PagedMemory>(memory, ends, progress).run(budget);
                if (step.outcome == TransferStep::Outcome::done)
                    return "";
                if (step.outcome == TransferStep::Outcome::budget_spent)
                    smallest_budget_ = std::min(smallest_budget_, budget), ++runs_;
                else
                    serve(step);
                if (goes_on_and_on(memory))
                    return "does not end";
                if (memory.bytes_copied() > string_bytes_limit && manner_ == Manner::hostile)
                    return ""; // sizes of gigabytes, where a message has overwritten its own dopes
                disturb();
            }
        } catch (const std::logic_error& violation) {
            return violation.what();
        }
    }

private:
    static constexpr unsigned faults_max = 1'000'000;

    // Each run but the last spends its budget, on a map item or on bytes, whatever user level does meanwhile.
    bool goes_on_and_on(const PagedMemory& memory) const {
        const std::uint64_t items_max = what_.sending.words() / 2 + 1;
        const bool idle_runs = runs_ > world.maps.size() + memory.bytes_copied() / smallest_budget_ + 2;
        return idle_runs || world.maps.size() > items_max || faults_ > faults_max;
    }

    std::uint32_t next_budget() {
        if (manner_ == Manner::plain)
            return 0xFFFFFFFC;
        return manner_ == Manner::tiny_budgets ? 4 * (1 + random() % 64) : 4 * (1 + random() % 4096);
    }

    void serve(const TransferStep& step) {
        ++faults_;
        const Side side = step.outcome == TransferStep::Outcome::sender_fault ? Side::sender : Side::receiver;
        Page& page = world.space(side).page(step.address);
        if (page.present && (page.writable || !step.write))
            throw std::logic_error("a fault on a page that is there");
        if (step.write && side == Side::sender)
            throw std::logic_error("writes to the sender");
        if (random() % 5 == 0)
            return; // its pager has done nothing
        page.present = true;
        page.writable = step.write || random() % 2 == 0;
    }

    void disturb() {
        if (manner_ == Manner::plain || manner_ == Manner::tiny_budgets || random() % 4 != 0)
            return;
        for (Space& space : world.spaces)
            for (auto& [number, page] : space.pages())
                if (random() % 8 == 0)
                    page.present = page.writable = random() % 2 == 0;
        if (manner_ == Manner::hostile)
            change_a_word();
    }
    // A word of a message's header, of its doublewords, or of a string dope.
    void change_a_word() {
        const Side side = random() % 2 == 0 ? Side::sender : Side::receiver;
        const End& end = side == Side::sender ? what_.sender : what_.receiver;
        const std::uint32_t dopes = end.base + 12 + 4 * end.size.words();
        if (random() % 3 == 0) {
            world.space(side).set_word(end.base + random() % (dopes - end.base) / 4 * 4, random());
            return;
        }
        const std::uint32_t field = random() % (4 * l4::message_strings_max);
        std::uint32_t value = random() % string_bytes_max;
        if (field % 2 == 0)
            value |= random() % 2 == 0 ? l4::StringDope::continues_bit : 0;
        else if (random() % 4 == 0)
            value = l4::user_space_end - 16 + random() % 0x4000;
        world.space(side).set_word(dopes + 4 * field, value);
    }
    // So that the sum of all strings has a limit that a test can wait for.
    void limit_sizes() {
        for (const Side side : {Side::sender, Side::receiver}) {
            const End& end = side == Side::sender ? what_.sender : what_.receiver;
            for (unsigned number = 0; number < end.dopes.size(); ++number) {
                const std::uint32_t at = end.base + 12 + 4 * end.size.words() + 16 * number;
                world.space(side).set_word(at, end.dopes[number].send_size % string_bytes_max);
                world.space(side).set_word(at + 8, end.dopes[number].receive_size % string_bytes_max);
            }
        }
    }
    std::uint32_t random() { return static_cast<std::uint32_t>(random_()); }

    static constexpr std::uint32_t string_bytes_max = 20'000;

    const Case& what_;
    Manner manner_;
    Random random_;
    std::uint64_t runs_ = 0, faults_ = 0;
    std::uint32_t smallest_budget_ = 0xFFFFFFFF;

public:
    World world;
    kernel::TransferProgress progress{};
};

std::string hexadecimal(std::uint32_t value) {
    std::ostringstream out;
    out << std::hex << std::showbase << value;
    return out.str();
}

// What is wrong with the machine on this case, or nothing.
std::optional<std::string> failure(const Case& what, unsigned seed) {
    World expected = build(what);
    const kernel::MessageEnds ends = what.ends();
    Reference reference(expected, ends, what.sending, what.sender.size);
    const std::uint32_t result = reference.run();
    if (reference.bytes_copied() > string_bytes_limit)
        return std::nullopt;
    const bool ordered = !reference.overwrites_what_it_reads();
    constexpr const char* names[] = {"plain", "faults", "tiny budgets", "hostile"};
    for (const Manner manner : {Manner::plain, Manner::faults, Manner::tiny_budgets, Manner::hostile}) {
        Driver driver(what, manner, seed);
        std::string wrong = driver.run();
        const std::uint32_t got = driver.progress.result;
        if (wrong.empty() && ordered && manner != Manner::hostile) {
            if (got != result)
                wrong = "result " + hexadecimal(got) + " instead of " + hexadecimal(result);
            if (driver.world.maps != expected.maps)
                wrong = "other map items";
            for (unsigned space = 0; space < 2; ++space) {
                const std::uint32_t address =
                    driver.world.spaces[space].first_difference(expected.spaces[space]);
                if (address != l4::user_space_end)
                    wrong = "other memory at " + hexadecimal(address);
            }
        }
        if (!wrong.empty())
            return std::string(names[static_cast<unsigned>(manner)]) + ": " + wrong;
    }
    return std::nullopt;
}

// --- Shrinking

std::vector<Case> simpler_cases(const Case& what) {
    std::vector<Case> found;
    const auto add = [&](auto change) {
        Case simpler = what;
        change(simpler);
        found.push_back(std::move(simpler));
    };
    for (End Case::*const end : {&Case::sender, &Case::receiver})
        for (unsigned number = 0; number < (what.*end).dopes.size(); ++number) {
            add([&](Case& simpler) { (simpler.*end).dopes.erase((simpler.*end).dopes.begin() + number); });
            for (std::uint32_t l4::StringDope::*const field :
                 {&l4::StringDope::send_size, &l4::StringDope::receive_size}) {
                const std::uint32_t now = (what.*end).dopes[number].*field;
                for (const std::uint32_t value :
                     {now & 0x7FFFFFFF, now / 2 & 0x3FFFFFFF, (now & 0x7FFFFFFF) - 1})
                    if (value < now)
                        add([&](Case& simpler) { (simpler.*end).dopes[number].*field = value; });
            }
        }
    if (what.maps)
        add([](Case& simpler) { simpler.maps = false; });
    if (what.same_space)
        add([](Case& simpler) { simpler.same_space = false; });
    if (!what.items.empty())
        add([](Case& simpler) { simpler.items.clear(); });
    using DopeOf = l4::MessageDope& (*)(Case&);
    for (const DopeOf dope_of : {DopeOf{[](Case& of) -> auto& { return of.sending;
}
} // namespace
, DopeOf{[](Case & of) -> auto& {return of.sender.size;
}
}
, DopeOf {
    [](Case & of) -> auto& {
        return of.receiver.size;
    }
}
}) {
    Case copy = what;
    const l4::MessageDope dope = dope_of(copy);
    const auto change = [&](unsigned words, unsigned strings) {
        add([&](Case& simpler) { dope_of(simpler) = l4::MessageDope::make(words, strings); });
    };
    if (dope.words() != 0) {
        change(dope.words() / 2, dope.strings());
        change(dope.words() - 1, dope.strings());
    }
    if (dope.strings() != 0)
        change(dope.words(), dope.strings() - 1);
}
return found;
}

Case shrunk(Case what, unsigned seed) {
    constexpr unsigned attempts_max = 20'000;
    unsigned attempts = 0;
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (Case& simpler : simpler_cases(what)) {
            if (++attempts > attempts_max)
                return what;
            if (failure(simpler, seed)) {
                what = std::move(simpler);
                smaller = true;
                break;
            }
        }
    }
    return what;
}

// FIXPOINT_MESSAGE_CASES: how many, for longer campaigns.
unsigned case_count() {
    const char* wanted = std::getenv("FIXPOINT_MESSAGE_CASES");
    return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 10'000;
}

TEST(MessageTransfer, RandomMessagesAgreeWithTheReference) {
    for (unsigned seed = 1; seed <= case_count(); ++seed) {
        const Case what = Generator(seed).draw();
        if (!failure(what, seed))
            continue;
        const Case smallest = shrunk(what, seed);
        FAIL() << "seed " << seed << ", " << *failure(smallest, seed) << "\n" << smallest;
    }
}

} // namespace
