// Heapsort: in place, no recursion, no bad case.
#pragma once

#include <cstdint>

namespace pager {

template<class ComesBefore>
void heap_sort(uint32_t* list, uint32_t count, ComesBefore&& comes_before) {
    const auto sift_down = [&](uint32_t root, uint32_t end) {
        const uint32_t element = list[root];
        for (;;) {
            uint32_t child = 2 * root + 1;
            if (child >= end)
                break;
            if (child + 1 < end && comes_before(list[child], list[child + 1]))
                ++child;
            if (!comes_before(element, list[child]))
                break;
            list[root] = list[child];
            root = child;
        }
        list[root] = element;
    };
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(i, count);
    for (uint32_t end = count; end > 1; --end) {
        const uint32_t largest = list[0];
        list[0] = list[end - 1];
        list[end - 1] = largest;
        sift_down(0, end - 1);
    }
}

} // namespace pager
