// Processors as an operating system shares them, for simulations. Who comes waits until a processor
// is free or one's slice is over; who has used its slice up gives way at once to who has not, as a
// report does to a lookup. Who was there before may have to stay with the processor it was on,
// though another is free. Times in milliseconds.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace triage {

class TimeSlicedProcessors {
  public:
    // Parts of a processor make all of them slower.
    TimeSlicedProcessors(double processors, double slice_ms);

    std::size_t count() const { return processors_.size(); }

    // `home`: the processor that it stays with, if it does.
    void add(double now, std::size_t job, double work_ms,
             std::optional<std::size_t> home = std::nullopt);
    double next_event() const { return next_event_; } // infinite if nobody runs

    struct Event {
        bool finished = false; // the job; else only its slice
        std::size_t job = 0;
    };
    Event handle(double now); // what next_event() is the time of

    // Jobs that got a processor for the first time, until they are cleared.
    std::vector<std::size_t> &begun() { return begun_; }

  private:
    struct Work {
        std::size_t job = 0;
        double left_ms = 0;
        std::optional<std::size_t> home;
        bool begun = false, sliced = false; // sliced: it had a slice
    };
    struct Processor {
        bool busy = false;
        Work work;
        double since = 0, until = 0;
        bool last = false; // it finishes the work
    };

    bool may_run(const Work &work, const Processor &processor) const;
    bool somebody_waits_for(const Processor &processor) const;
    void run(Processor &processor, double now, Work work);
    void end_with_slice(Processor &processor) const;
    void find_next_event();

    double speed_, slice_ms_, next_event_;
    std::vector<Processor> processors_;
    std::deque<Work> fresh_, sliced_; // that wait
    std::vector<std::size_t> begun_;
};

} // namespace triage
