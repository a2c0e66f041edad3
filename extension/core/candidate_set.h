// A set of candidates as bits: selection asks for subsets, unions and differences all the time.
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

    bool contains(CandidateId id) const {
        return id / 64 < words_.size() && (words_[id / 64] >> id % 64 & 1);
    }

    void insert(CandidateId id) {
        if (id / 64 >= words_.size())
            words_.resize(id / 64 + 1);
        words_[id / 64] |= std::uint64_t{1} << id % 64;
    }

    void erase(CandidateId id) {
        if (contains(id)) {
            words_[id / 64] &= ~(std::uint64_t{1} << id % 64);
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
        if (words_.size() > other.words_.size())
            return false;
        for (std::size_t i = 0; i < words_.size(); i++)
            if (words_[i] & ~other.words_[i])
                return false;
        return true;
    }

    bool intersects(const CandidateSet &other) const {
        for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); i++)
            if (words_[i] & other.words_[i])
                return true;
        return false;
    }

    CandidateSet &operator|=(const CandidateSet &other) {
        if (words_.size() < other.words_.size())
            words_.resize(other.words_.size());
        for (std::size_t i = 0; i < other.words_.size(); i++)
            words_[i] |= other.words_[i];
        return *this;
    }

    CandidateSet &operator&=(const CandidateSet &other) {
        if (words_.size() > other.words_.size())
            words_.resize(other.words_.size());
        for (std::size_t i = 0; i < words_.size(); i++)
            words_[i] &= other.words_[i];
        trim();
        return *this;
    }

    CandidateSet &operator-=(const CandidateSet &other) {
        for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); i++)
            words_[i] &= ~other.words_[i];
        trim();
        return *this;
    }

    friend CandidateSet operator|(CandidateSet a, const CandidateSet &b) { return a |= b; }
    friend CandidateSet operator&(CandidateSet a, const CandidateSet &b) { return a &= b; }
    friend CandidateSet operator-(CandidateSet a, const CandidateSet &b) { return a -= b; }
    auto operator<=>(const CandidateSet &) const = default;

    // In ascending order.
    std::vector<CandidateId> members() const {
        std::vector<CandidateId> result;
        for (std::size_t i = 0; i < words_.size(); i++)
            for (std::uint64_t word = words_[i]; word; word &= word - 1)
                result.push_back(i * 64 + static_cast<CandidateId>(std::countr_zero(word)));
        return result;
    }

  private:
    // Equal sets have equal words: no zero word at the end.
    void trim() {
        while (!words_.empty() && words_.back() == 0)
            words_.pop_back();
    }

    std::vector<std::uint64_t> words_;
};

} // namespace triage
