package conformance;

import java.nio.file.Path;
import java.util.Map;

/**
 * Has the official Java SDK do what a merchant does, against the simulator. The SDK is unchanged; its connections go to the simulator instead of
 * api.mch.weixin.qq.com. Each step prints one line: {@code ok|FAIL <sdk> <mode> <role> <step> [reason]}.
 *
 * <p>Arguments: {@code <public-key|certificate> <direct|partner> <folder with merchant.json>}
 */
public final class Main {
  private static final String SDK = "wechatpay-java";

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("usage: conformance.Main <public-key|certificate> <direct|partner> <folder>");
      System.exit(2);
    }
    Setting setting = Setting.read(Path.of(arguments[2]), arguments[0], arguments[1]);
    boolean failed = false;
    try (Merchant merchant = new Merchant(setting)) {
      for (Map.Entry<String, Step> step : merchant.steps().entrySet()) {
        String line = String.join(" ", SDK, setting.mode, setting.role, step.getKey());
        try {
          step.getValue().run();
          System.out.println("ok " + line);
        } catch (Exception | AssertionError reason) {
          failed = true;
          System.out.println("FAIL " + line + " " + reason.toString().replaceAll("\\s+", " "));
        }
      }
    }
    // The SDK keeps a thread that downloads certificates every hour.
    System.exit(failed ? 1 : 0);
  }

  /** Something that must work. Steps build on each other. */
  interface Step {
    void run() throws Exception;
  }
}
