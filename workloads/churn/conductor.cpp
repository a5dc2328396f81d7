#include "workloads/churn/conductor.hpp"

namespace workloads {

namespace {

constexpr unsigned nobody = children_max;
constexpr unsigned slot_tries = 6;
constexpr unsigned unmaps_max = 3, unmap_log2_max = 4;

bool has_two_ends(Operation operation) {
    return operation >= Operation::send && operation <= Operation::take;
}
bool is_receiving_end(Operation operation) {
    return operation == Operation::receive || operation == Operation::take;
}

} // namespace

Conductor::Conductor(ChildPager& child_pager, l4::ThreadId pager, PageRecord* records, const Share& share)
    : child_pager_(&child_pager), pager_(pager), share_(share),
      model_(records, share.first_page, share.pages, static_cast<uint32_t>(share.seed)), random_(share.seed) {
}

void Conductor::fill_pages() {
    for (uint32_t page = model_.first(); page < model_.first() + model_.count(); ++page)
        for (unsigned stripe = 0; stripe < stripes_per_page; ++stripe)
            fill(child_pager_->page(page).stripes[stripe], model_.state(page, stripe));
}

void Conductor::run_round() {
    model_.begin_batch();
    create_missing();
    rebind_some();
    give_commands();
    take_mappings_away();
    kill_somebody();
    collect_answers();
}

void Conductor::fail(unsigned index, const char* error, uint32_t value) {
    if (error_)
        return;
    error_ = error;
    error_child_ = number_of(index);
    error_value_ = value;
}

void Conductor::start_child(unsigned index) {
    child(index) = {};
    child(index).chain = random_.next();
    child(index).id = ChildPager::create(pager_, number_of(index), child(index).chain);
    ++created_;
    if (child(index).id.is_nil())
        fail(index, "a task that could not be created", 0);
}

void Conductor::create_missing() {
    for (unsigned index = 0; index < share_.children && !error_; ++index)
        if (child(index).id.is_nil())
            start_child(index);
}

void Conductor::rebind_some() {
    for (unsigned index = 0; index < share_.children && !error_; ++index) {
        const unsigned slot = random_.below(slot_count);
        const uint32_t page = share_.first_page + random_.below(share_.pages);
        const ChildPager::Access access{random_.below(4) != 0, random_.below(8) == 0};
        if (random_.below(2) == 0 && !binding(index, slot).granted)
            ChildPager::bind(pager_, number_of(index), slot, page, access);
    }
}

void Conductor::give_commands() {
    for (unsigned index = 0; index < share_.children && !error_; ++index)
        if (!child(index).busy)
            give_command(index);
}

void Conductor::give_command(unsigned index) {
    const unsigned kind = random_.below(100);
    const unsigned partner = kind >= 60 && kind < 85 ? idle_partner_of(index) : nobody;
    if (kind < 45   ? try_step(index)
        : kind < 60 ? try_check(index)
        : kind < 75 ? partner != nobody && try_message(index, partner)
        : kind < 85 ? partner != nobody && try_mapping(index, partner)
                    : false)
        return;
    if (kind >= 85 && kind < 91)
        issue(index, {Operation::drop, random_.below(slot_count)}, nobody);
    else if (kind >= 91 && kind < 94)
        issue(index, {Operation::nap, 0, 0, 0, random_.next()}, nobody);
    else
        issue(index, {Operation::compute, 0, 0, 0, random_.next()}, nobody);
}

unsigned Conductor::idle_partner_of(unsigned index) {
    const unsigned start = random_.below(share_.children);
    for (unsigned i = 0; i < share_.children; ++i) {
        const unsigned other = (start + i) % share_.children;
        if (other != index && !child(other).busy)
            return other;
    }
    return nobody;
}

bool Conductor::try_step(unsigned index) {
    for (unsigned i = 0; i < slot_tries; ++i) {
        const unsigned slot = random_.below(slot_count), stripe = random_.below(stripes_per_page);
        const Binding& at = binding(index, slot);
        if (at.writable && model_.claim_for_writing(at.page, stripe_mask(stripe, 1))) {
            issue(index, {Operation::step, slot, stripe, 1, random_.next()}, nobody);
            return true;
        }
    }
    return false;
}

bool Conductor::try_check(unsigned index) {
    const unsigned slot = random_.below(slot_count);
    const uint32_t page = binding(index, slot).page;
    if (model_.has(page) && !model_.claim_for_reading(page, all_stripes))
        return false;
    issue(index, {Operation::check, slot}, nobody);
    return true;
}

bool Conductor::try_message(unsigned index, unsigned partner) {
    const unsigned count = 1 + random_.below(stripes_per_page);
    const unsigned from = random_.below(stripes_per_page - count + 1),
                   to = random_.below(stripes_per_page - count + 1);
    for (unsigned i = 0; i < slot_tries; ++i) {
        const unsigned slot = random_.below(slot_count), partner_slot = random_.below(slot_count);
        const uint32_t page = binding(index, slot).page;
        const Binding& at = binding(partner, partner_slot);
        if (!at.writable || (model_.has(page) && !model_.claim_for_reading(page, stripe_mask(from, count))) ||
            !model_.claim_for_writing(at.page, stripe_mask(to, count)))
            continue;
        const uint32_t salt = random_.next();
        issue(index, {Operation::send, slot, from, count, salt, child(partner).id}, partner);
        issue(partner, {Operation::receive, partner_slot, to, count, salt, child(index).id}, index);
        return true;
    }
    return false;
}

bool Conductor::try_mapping(unsigned index, unsigned partner) {
    const unsigned slot = random_.below(slot_count), partner_slot = random_.below(slot_count);
    const Operation operation = random_.below(3) == 0 ? Operation::give_grant : Operation::give_map;
    if (binding(partner, partner_slot).granted)
        return false;
    const uint32_t salt = random_.next();
    const Binding& given = binding(index, slot);
    ChildPager::bind(pager_, number_of(partner), partner_slot, given.page, {given.writable, false});
    issue(index, {operation, slot, 0, 0, salt, child(partner).id}, partner);
    issue(partner, {Operation::take, partner_slot, 0, 0, salt, child(index).id}, index);
    return true;
}

void Conductor::issue(unsigned index, const Command& command, unsigned partner) {
    Child& to = child(index);
    to.command = command;
    to.partner = partner;
    to.before = binding(index, command.slot);
    to.busy = true;
    decisions_ = chain32(chain32(decisions_, command.word()), command.salt);
    const l4::MessageResult result = l4::send(to.id, {command.word(), command.salt, command.partner.raw});
    if (!result.ok())
        fail(index, "a command that could not be sent", result.error());
}

void Conductor::take_mappings_away() {
    for (unsigned i = random_.below(unmaps_max + 1); i > 0 && !error_; --i) {
        const unsigned log2_pages = random_.below(unmap_log2_max + 1);
        const uint32_t page = share_.first_page + random_.below(share_.pages);
        ChildPager::unmap(pager_, page & ~((1u << log2_pages) - 1), log2_pages, random_.below(unmap_forms));
    }
    if (random_.below(16) == 0)
        ChildPager::unmap_text(pager_);
}

// In the middle of whatever it does. The partner who waits for it goes too: nothing would ever come.
void Conductor::kill_somebody() {
    if (random_.below(4) != 0 || error_)
        return;
    const unsigned victim = random_.below(share_.children);
    const bool replaced = random_.below(2) == 0;
    const bool two = has_two_ends(child(victim).command.operation);
    const unsigned partner = two ? child(victim).partner : nobody;
    const bool both = two && !is_receiving_end(child(victim).command.operation);
    decisions_ = chain32(decisions_, number_of(victim));
    kill(victim, replaced);
    if (both)
        kill(partner, replaced);
    else if (two)
        child(partner).may_fail = true;
}

void Conductor::kill(unsigned index, bool replaced) {
    const Child dead = child(index);
    if (replaced) {
        start_child(index);
    } else {
        if (l4::task_new(dead.id, 0, 0, 0, l4::nil_thread).is_nil())
            fail(index, "a task that could not be deleted", 0);
        child(index) = {};
    }
    rewrite_what_it_wrote(dead);
}

// It may have been half of it.
void Conductor::rewrite_what_it_wrote(const Child& dead) {
    const Command& command = dead.command;
    if (command.operation != Operation::step && command.operation != Operation::receive)
        return;
    const uint32_t page = dead.before.page;
    for (unsigned stripe = command.first; stripe < command.first + command.count; ++stripe) {
        model_.set_state(page, stripe, random_.next());
        fill(child_pager_->page(page).stripes[stripe], model_.state(page, stripe));
    }
}

void Conductor::collect_answers() {
    unsigned missing = 0;
    for (unsigned index = 0; index < share_.children; ++index)
        missing += child(index).busy ? 1 : 0;
    while (missing > 0 && !error_) {
        l4::ThreadId from;
        l4::Message message;
        const l4::MessageResult result = l4::wait(from, message);
        unsigned index = 0;
        while (index < share_.children && !(child(index).busy && child(index).id == from))
            ++index;
        if (!result.ok() || index == share_.children)
            return fail(0, "an answer of a stranger", from.raw);
        check_answer(index, message);
        child(index).busy = false;
        --missing;
    }
    for (unsigned index = 0; index < share_.children && !error_; ++index)
        child(index).may_fail = false;
}

void Conductor::check_answer(unsigned index, const l4::Message& message) {
    Child& from = child(index);
    const auto outcome = static_cast<Outcome>(message.w0);
    from.chain = chain_after(from.chain, from.command, message.w1);
    if (message.w2 != from.chain)
        return fail(index, "a child that has lost count of its commands", message.w2);
    if (outcome == Outcome::ipc_failed && from.may_fail)
        return;
    switch (outcome) {
    case Outcome::done:
        break;
    case Outcome::torn_page:
        return fail(index, "a page that is not of one state", message.w1);
    case Outcome::wrong_message:
        return fail(index, "a message that is not what was sent", message.w1);
    case Outcome::wrong_wakeup:
        return fail(index, "a sleep that ended otherwise", message.w1);
    default:
        return fail(index, "an IPC error", message.w1);
    }
    check_value(index, message.w1);
    check_faults(index);
}

void Conductor::check_value(unsigned index, uint32_t value) {
    const Child& from = child(index);
    const Command& command = from.command;
    const uint32_t page = from.before.page;
    switch (command.operation) {
    case Operation::step:
        if (value != model_.state(page, command.first))
            fail(index, "a stripe of another instant", value);
        model_.set_state(page, command.first, next_state(model_.state(page, command.first), command.salt));
        break;
    case Operation::check:
        if (value != model_.page_chain(page))
            fail(index, "a page that it should not see", value);
        break;
    case Operation::receive: {
        const Child& sender = child(from.partner);
        for (unsigned i = 0; i < command.count; ++i)
            model_.set_state(page, command.first + i,
                             model_.state(sender.before.page, sender.command.first + i));
        break;
    }
    case Operation::take:
        ChildPager::note_mapped(pager_, number_of(index), command.slot, child(from.partner).before.granted);
        break;
    case Operation::drop:
        ChildPager::note_dropped(pager_, number_of(index), command.slot);
        break;
    case Operation::compute:
        if (value != computed(command.salt))
            fail(index, "a wrong result", value);
        break;
    default:
        break;
    }
}

// An access to what had been taken away has faulted.
void Conductor::check_faults(unsigned index) {
    const Child& from = child(index);
    const Operation operation = from.command.operation;
    const bool reads =
        operation == Operation::step || operation == Operation::check || operation == Operation::send;
    const bool writes = operation == Operation::step || operation == Operation::receive;
    const Binding &before = from.before, &now = binding(index, from.command.slot);
    if (reads && before.must_fault && now.faults == before.faults)
        fail(index, "a read through a mapping that was taken away", from.command.slot);
    if (writes && before.must_write_fault && now.write_faults == before.write_faults)
        fail(index, "a write through a mapping that was taken away", from.command.slot);
}

bool Conductor::check_pages() {
    for (uint32_t page = model_.first(); page < model_.first() + model_.count() && !error_; ++page)
        for (unsigned stripe = 0; stripe < stripes_per_page; ++stripe)
            if (!holds(child_pager_->page(page).stripes[stripe], model_.state(page, stripe)))
                fail(0, "a page with other contents than its children left", page);
    return !error_;
}

void Conductor::end() {
    for (unsigned index = 0; index < share_.children; ++index)
        if (!child(index).id.is_nil()) {
            l4::task_new(child(index).id, 0, 0, 0, l4::nil_thread);
            child(index).id = l4::nil_thread;
        }
}

} // namespace workloads
