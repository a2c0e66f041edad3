// A set of candidates as bits: selection asks for subsets, unions and differences all the time.
// Only the words between the first and the last member are kept: candidates of one relation are
// numbered one after the other, and most sets are those of a statement over a few of the relations.
#pragma once

#include "core/what_if.h"

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <vector>

namespace triage {

class CandidateSet {
  public:
    CandidateSet() = default;
    explicit CandidateSet(const std::vector<CandidateId> &members) {
        for (CandidateId id : members)
            insert(id);
    }

    bool contains(CandidateId id) const { return word(id / 64) >> id % 64 & 1; }

    void insert(CandidateId id) {
        stretch(id / 64, id / 64 + 1);
        words_[id / 64 - first_] |= std::uint64_t{1} << id % 64;
    }

    void erase(CandidateId id) {
        if (contains(id)) {
            words_[id / 64 - first_] &= ~(std::uint64_t{1} << id % 64);
            trim();
        }
    }

    bool empty() const { return words_.empty(); }

    std::size_t size() const {
        std::size_t sum = 0;
        for (std::uint64_t word : words_)
            sum += static_cast<std::size_t>(std::popcount(word));
        return sum;
    }

    bool is_subset_of(const CandidateSet &other) const {
        if (empty())
            return true;
        if (first_ < other.first_ || end() > other.end())
            return false;
        for (std::size_t i = first_; i < end(); i++)
            if (words_[i - first_] & ~other.words_[i - other.first_])
                return false;
        return true;
    }

    bool intersects(const CandidateSet &other) const {
        for (std::size_t i = std::max(first_, other.first_); i < std::min(end(), other.end()); i++)
            if (words_[i - first_] & other.words_[i - other.first_])
                return true;
        return false;
    }

    CandidateSet &operator|=(const CandidateSet &other) {
        if (other.empty())
            return *this;
        stretch(other.first_, other.end());
        for (std::size_t i = other.first_; i < other.end(); i++)
            words_[i - first_] |= other.words_[i - other.first_];
        return *this;
    }

    CandidateSet &operator&=(const CandidateSet &other) { return *this = *this & other; }

    CandidateSet &operator-=(const CandidateSet &other) {
        for (std::size_t i = std::max(first_, other.first_); i < std::min(end(), other.end()); i++)
            words_[i - first_] &= ~other.words_[i - other.first_];
        trim();
        return *this;
    }

    friend CandidateSet operator|(CandidateSet a, const CandidateSet &b) { return a |= b; }
    friend CandidateSet operator-(CandidateSet a, const CandidateSet &b) { return a -= b; }
    auto operator<=>(const CandidateSet &) const = default;

    // Copies only what both have: one of them may be much wider.
    friend CandidateSet operator&(const CandidateSet &a, const CandidateSet &b) {
        std::size_t from = std::max(a.first_, b.first_), to = std::min(a.end(), b.end());
        while (from < to && (a.word(from) & b.word(from)) == 0)
            from++;
        while (from < to && (a.word(to - 1) & b.word(to - 1)) == 0)
            to--;
        CandidateSet both;
        if (from >= to)
            return both;
        both.first_ = from;
        both.words_.resize(to - from);
        for (std::size_t i = from; i < to; i++)
            both.words_[i - from] = a.word(i) & b.word(i);
        return both;
    }

    // In ascending order.
    std::vector<CandidateId> members() const {
        std::vector<CandidateId> result;
        for (std::size_t i = first_; i < end(); i++)
            for (std::uint64_t word = words_[i - first_]; word; word &= word - 1)
                result.push_back(i * 64 + static_cast<CandidateId>(std::countr_zero(word)));
        return result;
    }

  private:
    std::size_t end() const { return first_ + words_.size(); }

    std::uint64_t word(std::size_t place) const {
        return place - first_ < words_.size() ? words_[place - first_] : 0;
    }

    // Room for the words from `from` to before `to`.
    void stretch(std::size_t from, std::size_t to) {
        if (words_.empty()) {
            first_ = from;
            words_.resize(to - from);
            return;
        }
        if (from < first_) {
            words_.insert(words_.begin(), first_ - from, 0);
            first_ = from;
        }
        if (to > end())
            words_.resize(to - first_);
    }

    // Equal sets have equal words: no zero word at either end.
    void trim() {
        while (!words_.empty() && words_.back() == 0)
            words_.pop_back();
        auto front =
            std::find_if(words_.begin(), words_.end(), [](auto word) { return word != 0; });
        first_ = words_.empty() ? 0 : first_ + static_cast<std::size_t>(front - words_.begin());
        words_.erase(words_.begin(), front);
    }

    std::size_t first_ = 0; // place of the first word
    std::vector<std::uint64_t> words_;
};

} // namespace triage
