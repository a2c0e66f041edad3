#include "core/connection_budget.h"

#include <algorithm>
#include <cmath>

namespace triage {
namespace {

// A consumer of server connections: so many holders with so many connections each.
struct Claim {
    LaneClass lane;
    int *each;     // connections of a holder; may be cut to 1
    int *replicas; // may be cut to min_replicas; null for a pooler
    int *reserve;  // of each holder; null for an application
    int min_replicas = 0;
    int other_holders = 0; // a rollout's beyond the replicas, or the poolers

    int holders() const { return (replicas ? *replicas : 0) + other_holders; }
    long total() const { return long(holders()) * (*each + (reserve ? *reserve : 0)); }
};

long sum(const std::vector<Claim> &claims) {
    long total = 0;
    for (const Claim &claim : claims)
        total += claim.total();
    return total;
}

// The claim to cut next: of the least urgent lane that has something to give, the one whose
// connections are most.
template <class CanGive> Claim *next_to_cut(std::vector<Claim> &claims, CanGive can_give) {
    Claim *chosen = nullptr;
    for (Claim &claim : claims) {
        if (!can_give(claim))
            continue;
        if (!chosen || claim.lane > chosen->lane ||
            (claim.lane == chosen->lane && claim.total() > chosen->total()))
            chosen = &claim;
    }
    return chosen;
}

// A connection less for each holder. A reserve is not to outgrow half of what it stands behind.
void cut_pool(Claim &claim) {
    if (claim.reserve && *claim.reserve > 0 &&
        (*claim.each == 1 || 2 * *claim.reserve > *claim.each))
        --*claim.reserve;
    else
        --*claim.each;
}

// First the pools of each lane, then the replicas, so that a lane is never without a pod before the
// less urgent ones are down to their least.
void cut_to(std::vector<Claim> &claims, long limit) {
    auto has_pool = [](const Claim &claim) {
        return claim.holders() > 0 && (*claim.each > 1 || (claim.reserve && *claim.reserve > 0));
    };
    auto has_replicas = [](const Claim &claim) {
        return claim.replicas && *claim.replicas > claim.min_replicas;
    };
    while (sum(claims) > limit) {
        if (Claim *widest = next_to_cut(claims, has_pool))
            cut_pool(*widest);
        else if (Claim *largest = next_to_cut(claims, has_replicas))
            --*largest->replicas;
        else
            return;
    }
}

int to_int(double value) {
    return static_cast<int>(std::clamp(value, 0.0, 2e9));
}

} // namespace

ConnectionBudget fit_connections(const Fleet &fleet) {
    ConnectionBudget budget;
    budget.limit = to_int(std::floor(fleet.usable_share * fleet.max_connections + 1e-9));
    for (const Application &application : fleet.applications)
        budget.applications.push_back({application});
    for (const PoolerAlias &alias : fleet.aliases)
        budget.aliases.push_back({alias});

    std::vector<Claim> claims;
    for (FittedApplication &fitted : budget.applications) {
        Application &application = fitted.application;
        if (!application.through_pooler)
            claims.push_back({application.lane, &application.pool, &application.max_replicas,
                              nullptr, std::min(application.min_replicas, application.max_replicas),
                              application.surge + application.terminating});
    }
    for (FittedAlias &fitted : budget.aliases)
        claims.push_back({fitted.alias.lane, &fitted.alias.size, nullptr, &fitted.alias.reserve, 0,
                          fleet.poolers});

    const long fixed = long(fleet.superuser_reserved) + fleet.replication;
    const long wanted = sum(claims) + fixed;
    cut_to(claims, budget.limit - fixed);
    const long used = sum(claims) + fixed;

    budget.wanted = to_int(double(wanted));
    budget.used = to_int(double(used));
    budget.fits = used <= budget.limit;
    for (std::size_t i = 0; i < fleet.applications.size(); ++i) {
        FittedApplication &fitted = budget.applications[i];
        const Application &now = fitted.application, &before = fleet.applications[i];
        fitted.connections = (now.max_replicas + now.surge + now.terminating) * now.pool;
        fitted.cut = now.pool != before.pool || now.max_replicas != before.max_replicas;
        if (now.through_pooler)
            budget.pooler_clients += fitted.connections;
    }
    for (std::size_t i = 0; i < fleet.aliases.size(); ++i) {
        FittedAlias &fitted = budget.aliases[i];
        fitted.connections = fleet.poolers * (fitted.alias.size + fitted.alias.reserve);
        fitted.cut = fitted.alias.size != fleet.aliases[i].size ||
                     fitted.alias.reserve != fleet.aliases[i].reserve;
    }
    budget.max_client_conn = to_int(std::ceil(budget.pooler_clients * 1.25 / 100) * 100);
    budget.needed_max_connections =
        fleet.usable_share > 0 ? to_int(std::ceil(double(wanted) / fleet.usable_share - 1e-9)) : 0;
    budget.added_memory_bytes =
        std::max<std::int64_t>(0, budget.needed_max_connections - fleet.max_connections) *
        (shared_bytes_a_connection + private_bytes_a_connection);
    return budget;
}

} // namespace triage
