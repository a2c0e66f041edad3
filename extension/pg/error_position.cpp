#include "pg/error_position.h"

namespace triage {
namespace {

void move_position(void *) {
    int position = geterrposition();
    if (position > 0) {
        errposition(0);
        errcontext("character %d of the given statement", position);
    }
}

} // namespace

void enter_given_statement(ErrorContextCallback *callback) {
    callback->callback = move_position;
    callback->arg = nullptr;
    callback->previous = error_context_stack;
    error_context_stack = callback;
}

void leave_given_statement(const ErrorContextCallback *callback) {
    error_context_stack = callback->previous;
}

} // namespace triage
