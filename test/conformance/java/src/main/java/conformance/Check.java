package conformance;

import java.util.Objects;

/** What a step expects. */
final class Check {
  private Check() {}

  static void equal(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) throw new AssertionError(actual + " instead of " + expected);
  }

  static void present(String name, String value) {
    if (value == null || value.isEmpty()) throw new AssertionError("no " + name);
  }

  static void that(boolean condition, String otherwise) {
    if (!condition) throw new AssertionError(otherwise);
  }
}
