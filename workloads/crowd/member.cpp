#include "workloads/crowd/member.hpp"

namespace workloads {

TokenKind CrowdMember::next_kind() const {
    if (visits_ == 0)
        return TokenKind::muster;
    return is_active() && tours_ < parameters_.tours ? TokenKind::tour : TokenKind::farewell;
}

uint32_t CrowdMember::next_sender() const {
    return next_kind() == TokenKind::tour ? parameters_.roster.previous_active(rank_)
                                          : parameters_.roster.previous(thread_);
}

uint32_t CrowdMember::receiver_after(TokenKind kind) const {
    return kind == TokenKind::tour ? parameters_.roster.next_active(rank_) : parameters_.roster.next(thread_);
}

Token CrowdMember::first_token() const {
    const TokenKind kind = next_kind();
    if (kind == TokenKind::farewell)
        return {kind, 0, 0};
    return {kind, tours_, token_proof(parameters_.seed, kind, tours_, thread_)};
}

bool CrowdMember::visit(Token& token) {
    const Token due = first_token();
    if (!holds(token.kind == due.kind && token.number == due.number &&
                   (due.kind == TokenKind::farewell || token.value == due.value),
               "a token that was not due"))
        return false;
    if (due.kind == TokenKind::farewell) {
        token.value = static_cast<uint32_t>(mix64(uint64_t{token.value} << 32 | sum()));
        return holds(pages_hold(), "a page that contradicts its visits");
    }
    if (!holds(write_pages(), "a page that contradicts its last visit"))
        return false;
    if (due.kind == TokenKind::tour)
        ++tours_;
    token.value = token_proof(parameters_.seed, due.kind, due.number, receiver_after(due.kind));
    return true;
}

bool CrowdMember::write_pages() {
    for (uint32_t number = 0; number < parameters_.pages_per_thread; ++number) {
        uint32_t* const at = page(number);
        if (visits_ != 0 && at[(visits_ - 1) % words_per_page] != word(number, visits_ - 1))
            return false;
        at[visits_ % words_per_page] = word(number, visits_);
    }
    ++visits_;
    return true;
}

bool CrowdMember::pages_hold() const {
    for (uint32_t number = 0; number < parameters_.pages_per_thread; ++number)
        // Word i holds the newest visit whose number is i mod words_per_page, or still zero.
        for (uint32_t i = 0; i < words_per_page; ++i) {
            const uint32_t laps = visits_ / words_per_page + (visits_ % words_per_page > i ? 1 : 0);
            const uint32_t expected = laps == 0 ? 0 : word(number, (laps - 1) * words_per_page + i);
            if (page(number)[i] != expected)
                return false;
        }
    return true;
}

uint32_t CrowdMember::sum() const {
    uint32_t sum = thread_ ^ visits_;
    for (uint32_t number = 0; number < parameters_.pages_per_thread; ++number)
        sum =
            static_cast<uint32_t>(mix64(uint64_t{sum} << 32 | page(number)[(visits_ - 1) % words_per_page]));
    return sum;
}

void Ballast::fill() const {
    for (uint32_t page = 0; page < pages_; ++page) {
        page_at(page)[0] = value(page, 0);
        page_at(page)[last_word] = value(page, last_word);
    }
}

uint32_t Ballast::first_wrong_page(uint32_t count) const {
    for (uint32_t i = 0; i < count; ++i) {
        const auto page = static_cast<uint32_t>(uint64_t{pages_} * i / count);
        if (page_at(page)[0] != value(page, 0) || page_at(page)[last_word] != value(page, last_word))
            return page;
    }
    return pages_;
}

} // namespace workloads
