// Going on with the transfer of a memory message.
#pragma once

// The current thread is the sender of a transfer and has the processor: copies until the message is over, a page is
// missing, or it is time to look for interrupts. Called by arch/entries.S in place of a return to user level.
extern "C" void continue_transfer();
