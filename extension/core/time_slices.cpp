#include "core/time_slices.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace triage {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

} // namespace

TimeSlicedProcessors::TimeSlicedProcessors(double processors, double slice_ms)
    : slice_ms_(slice_ms), next_event_(never) {
    const double wanted = std::max(processors, 1e-3);
    // 3.0000001 are three.
    processors_.resize(static_cast<std::size_t>(std::max(std::ceil(wanted - 1e-6), 1.0)));
    speed_ = wanted / static_cast<double>(processors_.size());
}

bool TimeSlicedProcessors::may_run(const Work &work, const Processor &processor) const {
    return !work.home || &processors_[*work.home] == &processor;
}

void TimeSlicedProcessors::add(double now, std::size_t job, double work_ms,
                               std::optional<std::size_t> home) {
    const Work work{job, work_ms / speed_, home};
    Processor *found = nullptr;
    for (Processor &processor : processors_) {
        if (!may_run(work, processor))
            continue;
        if (!processor.busy) {
            found = &processor;
            break;
        }
        if (!found && (processor.work.sliced || processor.since + slice_ms_ <= now))
            found = &processor;
    }
    if (!found) {
        fresh_.push_back(work);
        for (Processor &processor : processors_)
            if (may_run(work, processor))
                end_with_slice(processor);
    } else {
        if (found->busy) {
            Work interrupted = found->work;
            interrupted.left_ms -= now - found->since;
            interrupted.sliced = true;
            sliced_.push_front(interrupted);
        }
        run(*found, now, work);
    }
    find_next_event();
}

TimeSlicedProcessors::Event TimeSlicedProcessors::handle(double now) {
    auto processor = std::find_if(processors_.begin(), processors_.end(), [&](const auto &one) {
        return one.busy && one.until == next_event_;
    });
    Work work = processor->work;
    const bool finished = processor->last;
    if (!finished) {
        work.left_ms -= slice_ms_;
        work.sliced = true;
        sliced_.push_back(work);
    }
    processor->busy = false;
    for (std::deque<Work> *waiting : {&fresh_, &sliced_}) {
        auto next = std::find_if(waiting->begin(), waiting->end(),
                                 [&](const Work &one) { return may_run(one, *processor); });
        if (next == waiting->end())
            continue;
        const Work chosen = *next;
        waiting->erase(next);
        run(*processor, now, chosen);
        break;
    }
    find_next_event();
    return {finished, work.job};
}

bool TimeSlicedProcessors::somebody_waits_for(const Processor &processor) const {
    auto waits = [&](const Work &work) { return may_run(work, processor); };
    return std::any_of(fresh_.begin(), fresh_.end(), waits) ||
           std::any_of(sliced_.begin(), sliced_.end(), waits);
}

void TimeSlicedProcessors::run(Processor &processor, double now, Work work) {
    if (!work.begun)
        begun_.push_back(work.job);
    work.begun = true;
    processor = {true, work, now, now + work.left_ms, true};
    if (somebody_waits_for(processor))
        end_with_slice(processor);
}

// Now that somebody waits for it.
void TimeSlicedProcessors::end_with_slice(Processor &processor) const {
    if (processor.work.left_ms <= slice_ms_)
        return;
    processor.until = processor.since + slice_ms_;
    processor.last = false;
}

void TimeSlicedProcessors::find_next_event() {
    next_event_ = never;
    for (const Processor &processor : processors_)
        if (processor.busy)
            next_event_ = std::min(next_event_, processor.until);
}

} // namespace triage
