#include "pager/checkpoint/options.hpp"

#include "pager/checkpoint/write_queue.hpp"

namespace pager {
namespace {

// Reads words from a text; a word ends at a space.
class Words {
public:
    explicit Words(const char* text) : next_{text} {}
    const char* next() {
        skip_rest_of_word();
        while (*next_ == ' ')
            ++next_;
        word_ = next_;
        return *next_ != 0 ? next_ : nullptr;
    }
    bool is(const char* expected) const {
        const char* at = word_;
        for (; *expected != 0; ++expected, ++at)
            if (*at != *expected)
                return false;
        return *at == 0 || *at == ' ';
    }
    // key= followed by decimal digits only.
    bool number(const char* key, uint32_t& value) const {
        const char* at = word_;
        for (; *key != 0; ++key, ++at)
            if (*at != *key)
                return false;
        uint64_t sum = 0;
        const char* const digits = at;
        for (; *at >= '0' && *at <= '9' && sum <= 0xFFFFFFFFu; ++at)
            sum = sum * 10 + static_cast<uint64_t>(*at - '0');
        if (at == digits || (*at != 0 && *at != ' ') || sum > 0xFFFFFFFFu)
            return false;
        value = static_cast<uint32_t>(sum);
        return true;
    }

private:
    void skip_rest_of_word() {
        while (word_ != nullptr && *next_ != 0 && *next_ != ' ')
            ++next_;
    }
    const char* next_;
    const char* word_ = nullptr;
};

} // namespace

bool Options::parse(const char* arguments, const char*& bad_word) {
    Words words{arguments};
    while (const char* word = words.next()) {
        uint32_t number = 0;
        if (words.is("copy=on-write"))
            policy.copy = CopyPolicy::on_write;
        else if (words.is("copy=eager"))
            policy.copy = CopyPolicy::eager;
        else if (words.is("copy=stop"))
            policy.copy = CopyPolicy::in_stop;
        else if (words.is("tracking=protect"))
            policy.tracking = Tracking::protect;
        else if (words.is("tracking=dirty-bits"))
            policy.tracking = Tracking::dirty_bits;
        else if (words.is("drain_order=address"))
            policy.drain_order = DrainOrder::address;
        else if (words.is("drain_order=hottest-first"))
            policy.drain_order = DrainOrder::hottest_first;
        else if (words.is("drain_order=coldest-first"))
            policy.drain_order = DrainOrder::coldest_first;
        else if (words.is("drain_order=random"))
            policy.drain_order = DrainOrder::random;
        else if (words.is("store=ab"))
            store = store::StoreKind::ab;
        else if (words.is("store=log"))
            store = store::StoreKind::log;
        else if (words.is("recover=newest") || words.is("recover=older"))
            older_allowed = words.is("recover=older");
        else if (words.is("format=blank") || words.is("format=force"))
            format_forced = words.is("format=force");
        else if (words.number("prefetch=", number))
            policy.prefetch = number != 0;
        else if (words.number("verbose=", number))
            verbose = number != 0;
        else if (words.number("drain_throttle=", number))
            policy.drain_throttle = number != 0;
        else if (words.number("drain_depth=", number) && number >= 1 && number <= WriteQueue::places)
            policy.drain_depth = number;
        else if (!words.number("interval_us=", interval_us) && !words.number("seed=", policy.seed) &&
                 !words.number("hot_intervals=", policy.hot_intervals)) {
            bad_word = word;
            return false;
        }
    }
    return true;
}

} // namespace pager
