package conformance;

import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.cipher.AeadAesCipher;
import com.wechat.pay.java.core.http.HttpClient;
import com.wechat.pay.java.core.util.ShaUtil;
import com.wechat.pay.java.service.billdownload.BillDownloadService;
import com.wechat.pay.java.service.billdownload.BillDownloadServiceExtension;
import com.wechat.pay.java.service.billdownload.DigestBillEntity;
import com.wechat.pay.java.service.billdownload.model.AccountType;
import com.wechat.pay.java.service.billdownload.model.Algorithm;
import com.wechat.pay.java.service.billdownload.model.EncryptBillEntity;
import com.wechat.pay.java.service.billdownload.model.GetFundFlowBillRequest;
import com.wechat.pay.java.service.billdownload.model.GetSingleSubMchFundFlowBillRequest;
import com.wechat.pay.java.service.billdownload.model.GetTradeBillRequest;
import com.wechat.pay.java.service.billdownload.model.TarType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The SDK's services for bills; the texts are those of bills whose hash is right. */
final class Bills {
  private final HttpClient client;
  private final BillDownloadServiceExtension files;
  private final BillDownloadService offers;

  Bills(Config config, HttpClient client) {
    this.client = client;
    files =
        new BillDownloadServiceExtension.Builder()
            .httpClient(client)
            .decryptor(config.createDecryptor())
            .build();
    offers =
        new BillDownloadService.Builder().httpClient(client).decryptor(config.createDecryptor()).build();
  }

  String trade(String date, TarType packing) throws IOException {
    GetTradeBillRequest request = new GetTradeBillRequest();
    request.setBillDate(date);
    request.setTarType(packing);
    return text(files.getTradeBill(request));
  }

  String fundFlow(String date) throws IOException {
    GetFundFlowBillRequest request = new GetFundFlowBillRequest();
    request.setBillDate(date);
    request.setAccountType(AccountType.BASIC);
    return text(files.getFundFlowBill(request));
  }

  /** That of a sub-merchant's account is encrypted. */
  String subMerchantFundFlow(String subMchid, String date) throws Exception {
    GetSingleSubMchFundFlowBillRequest request = new GetSingleSubMchFundFlowBillRequest();
    request.setSubMchid(subMchid);
    request.setBillDate(date);
    request.setAccountType(AccountType.BASIC);
    request.setAlgorithm(Algorithm.AEAD_AES_256_GCM);
    // The service has decrypted the key.
    EncryptBillEntity part =
        offers.getSingleSubMchFundFlowBill(request).getDownloadBillList().get(0);
    byte[] file;
    try (InputStream stream = client.download(part.getDownloadUrl())) {
      file = stream.readAllBytes();
    }
    String text =
        new AeadAesCipher(part.getEncryptKey().getBytes(StandardCharsets.UTF_8))
            .decrypt(new byte[0], part.getNonce().getBytes(StandardCharsets.UTF_8), file);
    Check.equal(ShaUtil.getSha1HexString(text.getBytes(StandardCharsets.UTF_8)), part.getHashValue());
    return text;
  }

  private static String text(DigestBillEntity bill) throws IOException {
    try (InputStream stream = bill.getInputStream()) {
      String text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      Check.that(bill.verifyHash(), "the hash does not match");
      return text;
    }
  }
}
