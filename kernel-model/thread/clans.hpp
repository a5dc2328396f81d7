// Clans and chiefs: who is above whom, and where a message to another clan would go first, which is what id_nearest tells.
//
// The task that creates another is its chief. A clan is all tasks with the same chief; the chief belongs to it as well.
// Messages cross the border of a clan only through its chief (L4 reference manual, "clans & chiefs"). This kernel's go straight
// to their destination all the same; a program that wants them to go by chiefs asks for the nearest task:
//
//                      root                 A's clan, seen from A: root, A, B, C  -> same clan, directly
//                 ____/  |  \____           from A: A1, A2                        -> same clan (A is their chief)
//                A       B       C          from A: B1, B2                        -> inner clan, B is nearest
//              _/ \_     |                  from A: A11                           -> inner clan, A1 is nearest
//            A1     A2   B1 - B2            from A1: B, B1, C, root               -> outer clan, A is nearest
//            |
//            A11
//
// Pure arithmetic over a function that gives a task's chief. The chain of chiefs ends at a task that is its own chief;
// a chain that came damaged from a disk may run in a circle, so no walk is longer than there are tasks.
#pragma once

#include "kernel-model/abi/types.hpp"

namespace kernel {

// Is `task` the task `above`, or does its chain of chiefs lead there?
template<class ChiefOf>
constexpr bool is_at_or_below(unsigned task, unsigned above, const ChiefOf& chief_of) {
    for (unsigned steps = 0; steps < l4::task_count; ++steps) {
        if (task == above)
            return true;
        const unsigned chief = chief_of(task);
        if (chief == task)
            return false;
        task = chief;
    }
    return false;
}

// Does a message from `sender` reach `task` directly?
template<class ChiefOf>
constexpr bool in_same_clan(unsigned sender, unsigned task, const ChiefOf& chief_of) {
    const unsigned chief = chief_of(sender);
    return task == sender || task == chief || chief_of(task) == chief || chief_of(task) == sender;
}

struct NearestTask {
    l4::ClanRelation relation;
    unsigned task; // whom a message from the sender reaches first
};

template<class ChiefOf>
constexpr NearestTask nearest_task(unsigned sender, unsigned dest, const ChiefOf& chief_of) {
    if (in_same_clan(sender, dest, chief_of))
        return {l4::ClanRelation::same_clan, dest};
    unsigned task = dest;
    for (unsigned steps = 0; steps < l4::task_count; ++steps) {
        const unsigned chief = chief_of(task);
        if (chief == task)
            break;
        task = chief;
        if (in_same_clan(sender, task, chief_of))
            return {l4::ClanRelation::inner_clan, task};
    }
    return {l4::ClanRelation::outer_clan, chief_of(sender)};
}

} // namespace kernel
