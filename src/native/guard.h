// How C++ answers Rust: with nothing, or with a message to be freed.
#pragma once

#include <c10/util/Exception.h>

#include <cstring>
#include <exception>

// Runs `body` and turns whatever it throws into a message: no exception may cross into Rust.
template <typename Body> inline char *guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error &error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("libtorch failed without saying why");
  }
}
