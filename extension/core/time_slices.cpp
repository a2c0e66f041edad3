#include "core/time_slices.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace triage {

TimeSlicedProcessors::TimeSlicedProcessors(double processors, double slice_ms)
    : slice_ms_(slice_ms) {
    const double wanted = std::max(processors, 1e-3);
    // 3.0000001 are three.
    processors_.resize(static_cast<std::size_t>(std::max(std::ceil(wanted - 1e-6), 1.0)));
    speed_ = wanted / static_cast<double>(processors_.size());
}

void TimeSlicedProcessors::add(double now, std::size_t job, double work_ms) {
    const Work work{job, work_ms / speed_};
    for (Processor &processor : processors_)
        if (!processor.busy)
            return run(processor, now, work);
    for (Processor &processor : processors_) {
        if (!processor.work.sliced)
            continue;
        Work interrupted = processor.work;
        interrupted.left_ms -= now - processor.since;
        sliced_.push_front(interrupted);
        return run(processor, now, work);
    }
    fresh_.push_back(work);
}

double TimeSlicedProcessors::next_event() const {
    double first = std::numeric_limits<double>::infinity();
    for (const Processor &processor : processors_)
        if (processor.busy)
            first = std::min(first, processor.until);
    return first;
}

TimeSlicedProcessors::Event TimeSlicedProcessors::handle(double now) {
    auto processor = std::min_element(processors_.begin(), processors_.end(),
                                      [](const Processor &a, const Processor &b) {
                                          return a.busy != b.busy ? a.busy : a.until < b.until;
                                      });
    Work work = processor->work;
    const bool finished = processor->last;
    if (!finished) {
        work.left_ms -= slice_ms_;
        work.sliced = true;
        sliced_.push_back(work);
    }
    run_next(*processor, now);
    return {finished, work.job};
}

std::vector<std::size_t> TimeSlicedProcessors::take_begun() {
    return std::exchange(begun_, {});
}

void TimeSlicedProcessors::run(Processor &processor, double now, Work work) {
    if (!work.begun)
        begun_.push_back(work.job);
    work.begun = true;
    processor = {true, work, now, now + std::min(work.left_ms, slice_ms_),
                 work.left_ms <= slice_ms_};
}

void TimeSlicedProcessors::run_next(Processor &processor, double now) {
    processor.busy = false;
    for (std::deque<Work> *waiting : {&fresh_, &sliced_}) {
        if (waiting->empty())
            continue;
        const Work work = waiting->front();
        waiting->pop_front();
        return run(processor, now, work);
    }
}

} // namespace triage
