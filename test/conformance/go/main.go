// Command conformance has the official Go SDK do what a merchant does, against the simulator. The SDK is unchanged; its connections go to the
// simulator instead of api.mch.weixin.qq.com. Each step prints one line: ok|FAIL <sdk> <mode> <role> <step> [reason].
//
//	conformance <public-key|certificate> <direct|partner> <folder with merchant.json>
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	sdk      = "wechatpay-go"
	patience = 40 * time.Second
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: conformance <public-key|certificate> <direct|partner> <folder>")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report := &report{mode: os.Args[1], role: os.Args[2]}
	if err := run(ctx, report, os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if report.failed {
		os.Exit(1)
	}
}

func run(ctx context.Context, report *report, folder string) error {
	setting, err := readSetting(folder, report.mode, report.role)
	if err != nil {
		return err
	}
	transport, err := redirect(setting.BaseURL)
	if err != nil {
		return err
	}
	// The SDK's own clients, that of the certificate downloader included, use the default transport.
	http.DefaultTransport = transport
	merchant, err := newMerchant(ctx, setting)
	if err != nil {
		return err
	}
	defer merchant.close()
	for _, step := range merchant.steps() {
		report.say(step.name, attempt(ctx, step))
	}
	return nil
}

// step is something that must work. Steps build on each other.
type step struct {
	name string
	do   func(context.Context) error
}

// attempt turns a panic of the SDK into a failure.
func attempt(ctx context.Context, step step) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return step.do(ctx)
}

type report struct {
	mode, role string
	failed     bool
}

func (r *report) say(step string, err error) {
	if err == nil {
		fmt.Println("ok", sdk, r.mode, r.role, step)
		return
	}
	r.failed = true
	fmt.Println("FAIL", sdk, r.mode, r.role, step, strings.Join(strings.Fields(err.Error()), " "))
}
