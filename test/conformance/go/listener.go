package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
)

const notificationPatience = 10 * time.Second

// listener is the merchant's address for notifications: every POST goes through the SDK's handler.
type listener struct {
	url     string
	server  *http.Server
	arrived map[string]chan received
}

type received struct {
	event   string
	content interface{}
	err     error
}

// listen serves /payment and /refund; each has its own type of content.
func listen(handler *notify.Handler, contents map[string]func() interface{}) (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	result := &listener{url: "http://" + socket.Addr().String(), arrived: map[string]chan received{}}
	mux := http.NewServeMux()
	for path, newContent := range contents {
		path, newContent := path, newContent
		// Repetitions wait in the buffer: nobody has to read them.
		result.arrived[path] = make(chan received, 100)
		mux.HandleFunc("/"+path, func(response http.ResponseWriter, request *http.Request) {
			content := newContent()
			parsed, err := handler.ParseNotifyRequest(request.Context(), request, content)
			if err != nil {
				result.arrived[path] <- received{err: err}
				response.WriteHeader(http.StatusInternalServerError)
				return
			}
			result.arrived[path] <- received{event: parsed.EventType, content: content}
			response.WriteHeader(http.StatusNoContent)
		})
	}
	result.server = &http.Server{Handler: mux}
	go func() { _ = result.server.Serve(socket) }()
	return result, nil
}

// next is the next notification at a path.
func (l *listener) next(ctx context.Context, path string) (received, error) {
	select {
	case notice := <-l.arrived[path]:
		return notice, notice.err
	case <-time.After(notificationPatience):
		return received{}, errors.New("no notification came")
	case <-ctx.Done():
		return received{}, ctx.Err()
	}
}
