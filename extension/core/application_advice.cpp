#include "core/application_advice.h"

#include <algorithm>
#include <cstdio>

namespace triage {

namespace {

// All of docs/statements.md.
constexpr std::uint64_t few_transactions = 3, few_samples = 3;
constexpr double rows_of_a_key = 50; // an execution by key returns hardly more
constexpr std::uint64_t few_empty = 20;
constexpr double mostly = 0.9, mostly_steady = 0.6;
constexpr double long_list = 1000; // rows
constexpr double deep = 1000;      // rows
constexpr double wide = 1000;      // bytes a row
constexpr double much = 100'000;   // bytes an execution

double ratio(std::uint64_t a, std::uint64_t b) {
    return b > 0 ? static_cast<double>(a) / static_cast<double>(b) : 0;
}

std::string text(const char *format, auto... values) {
    char buffer[256];
    snprintf(buffer, sizeof(buffer), format, values...);
    return buffer;
}

unsigned long long number(std::uint64_t value) {
    return value;
}

std::string samples(std::uint64_t count) { // of several
    return text("over %llu sampled executions", number(count));
}

void judge_repetition(const StatementHabits &statement, std::vector<Advice> &found) {
    const Habits &habits = statement.habits;
    const std::uint64_t transactions = habits[Habit::RepeatingTransactions];
    if (transactions < few_transactions)
        return;
    const bool writes = habits[Habit::Written] > 0 && habits[Habit::Read] == 0;
    const bool reads_by_key =
        statement.by_key && ratio(statement.rows, statement.calls) <= rows_of_a_key;
    if (!writes && !reads_by_key)
        return;
    Advice advice;
    advice.pattern = writes ? Pattern::RowByRow : Pattern::NPlusOne;
    advice.executions = habits[Habit::Repeated];
    advice.figure = ratio(habits[Habit::Repeated], transactions);
    advice.evidence =
        text("in %llu transactions it ran %.0f times on average, %llu times at most",
             number(transactions), advice.figure, number(habits[Habit::MostRepeated]));
    found.push_back(std::move(advice));
}

void judge_polling(const StatementHabits &statement, std::vector<Advice> &found) {
    const Habits &habits = statement.habits;
    const std::uint64_t empty = habits[Habit::Empty], steady = habits[Habit::Steady];
    if (empty < few_empty || ratio(empty, statement.calls) < mostly ||
        ratio(steady, empty) < mostly_steady)
        return;
    Advice advice;
    advice.pattern = Pattern::Polling;
    advice.executions = empty;
    advice.figure = ratio(habits[Habit::SteadyMicroseconds], steady) / 1e6;
    advice.evidence = text("%llu of %llu executions returned nothing, most of them %.3g s apart",
                           number(empty), number(statement.calls), advice.figure);
    found.push_back(std::move(advice));
}

void judge_list(const StatementHabits &statement, std::vector<Advice> &found) {
    const Habits &habits = statement.habits;
    const std::uint64_t read = habits[Habit::Read];
    const double rows = ratio(habits[Habit::RowsReturned], read);
    if (read < few_samples || habits[Habit::Limited] > 0 || rows < long_list)
        return;
    found.push_back({Pattern::UnpaginatedList, read, rows,
                     text("%.0f rows an execution without a LIMIT, ", rows) + samples(read)});
}

void judge_offset(const StatementHabits &statement, std::vector<Advice> &found) {
    const Habits &habits = statement.habits;
    const std::uint64_t offset = habits[Habit::Offset];
    const double skipped = ratio(habits[Habit::RowsSkipped], offset);
    if (offset < few_samples || skipped < deep)
        return;
    found.push_back({Pattern::DeepOffset, offset, skipped,
                     text("OFFSET skipped %.0f rows an execution, %.0f were returned, ", skipped,
                          ratio(habits[Habit::RowsReturned], habits[Habit::Read])) +
                         samples(offset)});
}

void judge_width(const StatementHabits &statement, std::vector<Advice> &found) {
    const Habits &habits = statement.habits;
    const std::uint64_t read = habits[Habit::Read];
    const double bytes = ratio(habits[Habit::BytesReturned], read);
    const double width = ratio(habits[Habit::BytesReturned], habits[Habit::RowsReturned]);
    if (read < few_samples || width < wide || bytes < much)
        return;
    found.push_back(
        {Pattern::WideRows, read, bytes,
         text("%llu columns and about %.0f bytes a row, %.0f rows an execution, ",
              number(habits[Habit::Columns]), width, ratio(habits[Habit::RowsReturned], read)) +
             samples(read)});
}

} // namespace

Habits &Habits::operator+=(const Habits &other) {
    const std::uint64_t most = std::max((*this)[Habit::MostRepeated], other[Habit::MostRepeated]);
    const std::uint64_t columns = std::max((*this)[Habit::Columns], other[Habit::Columns]);
    for (std::size_t i = 0; i < counts.size(); i++)
        counts[i] += other.counts[i];
    (*this)[Habit::MostRepeated] = most;
    (*this)[Habit::Columns] = columns;
    return *this;
}

std::vector<Advice> application_advice(const StatementHabits &statement) {
    std::vector<Advice> found;
    judge_repetition(statement, found);
    judge_polling(statement, found);
    judge_list(statement, found);
    judge_offset(statement, found);
    judge_width(statement, found);
    return found;
}

const char *name_of(Pattern pattern) {
    switch (pattern) {
    case Pattern::NPlusOne:
        return "n_plus_one";
    case Pattern::RowByRow:
        return "row_by_row";
    case Pattern::Polling:
        return "polling";
    case Pattern::UnpaginatedList:
        return "unpaginated_list";
    case Pattern::DeepOffset:
        return "deep_offset";
    case Pattern::WideRows:
        break;
    }
    return "wide_rows";
}

const char *unit_of(Pattern pattern) {
    switch (pattern) {
    case Pattern::NPlusOne:
    case Pattern::RowByRow:
        return "executions a transaction";
    case Pattern::Polling:
        return "seconds between two";
    case Pattern::UnpaginatedList:
        return "rows an execution";
    case Pattern::DeepOffset:
        return "rows skipped an execution";
    case Pattern::WideRows:
        break;
    }
    return "bytes an execution";
}

const char *remedy_of(Pattern pattern) {
    switch (pattern) {
    case Pattern::NPlusOne:
        return "Read all keys at once, with a join or = ANY (array); in an ORM, load the "
               "association eagerly.";
    case Pattern::RowByRow:
        return "Write many rows at once: INSERT of several rows, UPDATE ... FROM, COPY; in an ORM, "
               "turn batching on.";
    case Pattern::Polling:
        return "Let the server say when there is something: LISTEN and NOTIFY; or ask less often.";
    case Pattern::UnpaginatedList:
        return "Show a page at a time: LIMIT with a key to go on from, or a cursor for an export.";
    case Pattern::DeepOffset:
        return "Go on from the last row that was shown, WHERE (sort key) > (its values), instead "
               "of counting off rows.";
    case Pattern::WideRows:
        break;
    }
    return "Name the columns that the list shows, and read the wide ones when a row is opened.";
}

} // namespace triage
