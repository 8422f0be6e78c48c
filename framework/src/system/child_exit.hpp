#pragma once

namespace procession::detail {

/// In a forked child: from now on `exit` and `quick_exit` flush standard output and end the process
/// at once, with their code. None of the exit handlers and static destructors that the parent
/// registered runs a second time.
void endAtExit();

/// Flushes stdio and the standard streams, whatever state they are in.
void flushStandardOutput() noexcept;

}  // namespace procession::detail
