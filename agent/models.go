package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const maxModelList = 8 << 20

// Models asks the endpoint which models it offers, in its own order. It is
// also how to see whether the endpoint and the key work: it costs nothing.
// Errors are those of Stream. The caller bounds the time by ctx.
func (m *OpenAI) Models(ctx context.Context) ([]string, error) {
	guarded, dog := newWatchdog(ctx, m.cfg.HeaderTimeout)
	defer dog.stop()
	ids, err := m.models(guarded)
	if err != nil {
		return nil, m.explain(ctx, guarded, err)
	}
	return ids, nil
}

func (m *OpenAI) models(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.cfg.BaseURL+"/models", nil)
	if err != nil {
		return nil, err
	}
	if m.cfg.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+m.cfg.APIKey)
	}
	resp, err := m.cfg.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxModelList))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, m.refused(resp.StatusCode, body)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, &ModelError{
			Status: resp.StatusCode, Code: "protocol", Message: fmt.Sprintf("%s sent no list of models", m.endpoint),
			Hint: "does the address in OPENAI_BASE_URL end in /v1?",
		}
	}
	ids := make([]string, len(list.Data))
	for i, d := range list.Data {
		ids[i] = d.ID
	}
	return ids, nil
}
