#include "render/render.h"

#include "messages.h"
#include "output.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace triage::advisor {

namespace {

TextStyle text_style(const Options &options) {
    TextStyle style;
    if (!output_is_terminal(options))
        return style;
    style.colors = stdout_has_colors();
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        style.width = std::max<std::size_t>(size.ws_col, 60);
    return style;
}

} // namespace

void show(const Options &options, const std::function<Document()> &document,
          const std::function<nlohmann::ordered_json()> &json) {
    switch (options.format) {
    case Format::Text:
        return write_output(options, render_text(document(), text_style(options)));
    case Format::Markdown:
        return write_output(options, render_markdown(document()));
    case Format::Json:
        // A database in SQL_ASCII may hold names that are not UTF-8.
        return write_output(
            options,
            json().dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    }
}

} // namespace triage::advisor
